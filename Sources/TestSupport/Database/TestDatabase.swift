package import LocalPostgres
package import Logging
package import Postgres
internal import Synchronization

/// A fresh database for one test.
package struct TestDatabase: Sendable {
    /// Its name.
    package let name: String
    /// Where libpq finds it, as user `postgres`, over the Unix socket.
    package let url: String
    /// Where libpq finds it over TCP, on 127.0.0.1.
    package let tcpURL: String

    /// The configuration for ``url``.
    package func configuration() throws(PostgresError) -> PostgresConfiguration {
        try PostgresConfiguration(url, applicationName: "test")
    }

    package func connect() async throws(PostgresError) -> PostgresConnection {
        try await Self.connect(to: configuration())
    }

    package static func connect(to configuration: PostgresConfiguration, logger: Logger = .silent)
        async throws(PostgresError) -> PostgresConnection
    { try await PostgresConnection.connect(configuration, deadline: deadline, logger: logger) }

    /// How long anything may take here: a machine that runs many tests is slow.
    package static let deadline = Duration.seconds(20)

    private static let counter = Atomic(0)

    /// Makes a database, lends it and drops it.
    ///
    /// - Parameter template: the name of the database it is copied from, such as one of ``template(named:prepare:)``.
    package static func withDatabase<Result>(
        from template: String = "template0", _ body: (TestDatabase) async throws -> Result
    ) async throws -> Result {
        let cluster = try await TestCluster.shared.cluster()
        let number = counter.add(1, ordering: .relaxed).newValue
        let name = "test_\(number)"
        // Copied file by file: with the log turned off that is quicker than through the log, and needs no checkpoint to wait for.
        try await administer("CREATE DATABASE \(name) TEMPLATE \(template) STRATEGY wal_log")
        let database = TestDatabase(name: name, in: cluster)
        do {
            let result = try await body(database)
            try await database.drop()
            return result
        } catch {
            // The test's own error is the one to report; a database left over goes with the server.
            try? await database.drop()
            throw error
        }
    }

    /// The name of a database to copy from, prepared once per process and name: a migrated schema, for instance.
    package static func template(named name: String, prepare: @escaping @Sendable (TestDatabase) async throws -> Void)
        async throws -> String
    {
        let cluster = try await TestCluster.shared.cluster()
        try await TestCluster.shared.prepare(name) {
            try await administer("CREATE DATABASE \(name) TEMPLATE template0")
            try await prepare(TestDatabase(name: name, in: cluster))
        }
        return name
    }

    /// Lends a server of its own, for tests that stop it. It is gone afterwards.
    package static func withCluster<Result>(
        _ options: ThrowAwayCluster.Options = .init(isDurable: false), _ body: (ThrowAwayCluster) async throws -> Result
    ) async throws -> Result {
        let cluster = try await ThrowAwayCluster.start(options)
        do {
            let result = try await body(cluster)
            await cluster.remove()
            return result
        } catch {
            await cluster.remove()
            throw error
        }
    }

    init(name: String, in cluster: ThrowAwayCluster) {
        self.name = name
        self.url = cluster.url(database: name)
        self.tcpURL = "postgresql://postgres@127.0.0.1:\(cluster.port)/\(name)"
    }

    private func drop() async throws { try await Self.administer("DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }

    /// Runs a statement in the database `postgres`, which no test uses.
    private static func administer(_ sql: String) async throws {
        let cluster = try await TestCluster.shared.cluster()
        let connection = try await TestDatabase(name: "postgres", in: cluster).connect()
        do {
            _ = try await connection.query(sql, deadline: deadline)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }
}
