internal import LocalPostgres
package import Logging
internal import OutboxStore
package import Postgres

/// A fresh database with the schema in it, and words for what tests do there.
package struct TestOutbox: Sendable {
    /// The database.
    package let database: TestDatabase
    /// A superuser's connection.
    package let connection: PostgresConnection

    /// How long a statement may take: none here should take more than an instant.
    package static let deadline = Duration.seconds(25)

    /// So many databases are in use at once; each has a few connections, and the machine a few cores.
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

    /// The same on a server that no other test uses and where autovacuum is off: for measurements of the whole server.
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
    /// - Parameter role: whom to connect as.
    package func connect(as role: String = "postgres", logger: Logger? = nil) async throws -> PostgresConnection {
        let url = database.url.replacing("postgresql://postgres@", with: "postgresql://\(role)@", maxReplacements: 1)
        return try await PostgresConnection.connect(
            PostgresConfiguration(url, applicationName: "test"), deadline: Self.deadline,
            logger: logger ?? Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private static func migrate(_ database: TestDatabase) async throws {
        let connection = try await database.connect()
        _ = try await Migrator(connection).migrate()
        await connection.close()
    }

    private static func lend<Result>(
        _ database: TestDatabase, to body: (TestOutbox) async throws -> Result
    ) async throws -> Result {
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
