internal import LocalPostgres
package import Logging
internal import OutboxStore
package import Postgres

/// A fresh database with the schema in it, and words for what tests do there.
package struct TestOutbox: Sendable {
    package let database: TestDatabase
    /// A superuser's connection.
    package let connection: PostgresConnection

    /// - Parameter connection: a superuser's.
    package init(database: TestDatabase, connection: PostgresConnection) {
        self.database = database
        self.connection = connection
    }

    /// How long a statement may take: none here should take more than an instant.
    package static let deadline = Duration.seconds(25)

    /// How many databases are in use at once: each has a few connections, and the machine has a few cores.
    private static let limit = ConcurrencyLimit(4)

    /// Makes a database with the schema, lends it and drops it.
    package static func withOutbox<Result>(_ body: (TestOutbox) async throws -> Result) async throws -> Result {
        let template = try await TestDatabase.template(named: "migrated", prepare: migrate)
        await limit.enter()
        do {
            let result = try await TestDatabase.withDatabase(from: template) { try await lend($0, to: body) }
            await limit.leave()
            return result
        } catch {
            await limit.leave()
            throw error
        }
    }

    /// The same on a private server without autovacuum: for measurements of the whole server.
    package static func withOwnServer<Result>(_ body: (TestOutbox) async throws -> Result) async throws -> Result {
        let settings = [
            "autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "8GB", "shared_buffers": "256MB",
        ]
        return try await TestDatabase.withCluster(.init(isDurable: false, settings: settings)) { cluster in
            let database = TestDatabase(name: "postgres", in: cluster)
            try await migrate(database)
            return try await lend(database, to: body)
        }
    }

    /// Connects once more.
    ///
    /// - Parameter role: the role to connect as.
    package func connect(as role: String = "postgres", logger: Logger = .silent) async throws -> PostgresConnection {
        let url = database.url.replacing("postgresql://postgres@", with: "postgresql://\(role)@", maxReplacements: 1)
        return try await TestDatabase.connect(to: PostgresConfiguration(url, applicationName: "test"), logger: logger)
    }

    private static func migrate(_ database: TestDatabase) async throws {
        let connection = try await database.connect()
        _ = try await Migrator(connection).migrate()
        await connection.close()
    }

    private static func lend<Result>(_ database: TestDatabase, to body: (TestOutbox) async throws -> Result)
        async throws -> Result
    {
        let outbox = TestOutbox(database: database, connection: try await database.connect())
        do {
            let result = try await body(outbox)
            await outbox.connection.close()
            return result
        } catch {
            await outbox.connection.close()
            throw error
        }
    }
}

/// Lets a limited number through at once, in the order in which they came.
actor ConcurrencyLimit {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ limit: Int) { free = limit }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        guard waiting.isEmpty else { return waiting.removeFirst().resume() }
        free += 1
    }
}
