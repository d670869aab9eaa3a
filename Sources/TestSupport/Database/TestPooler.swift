internal import Foundation
package import LocalPostgres
internal import Logging
internal import Postgres

/// PgBouncer in transaction mode before a cluster: sessions change under the client between transactions.
package struct TestPooler: Sendable {
    /// The program, where Debian puts it.
    package static let program = "/usr/sbin/pgbouncer"

    /// Whether it is installed here.
    package static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    /// Where libpq finds a database through it.
    package func url(database: String) -> String {
        "postgresql://postgres@/\(database)?host=\(directory)&port=\(Self.port)"
    }

    private let directory: String
    /// Names the socket, nothing else.
    private static let port = 6432

    /// Starts it in the cluster's directory. It ends with the cluster.
    ///
    /// - Parameter poolSize: how many sessions it keeps with the server, for each database.
    package static func start(for cluster: ThrowAwayCluster, poolSize: Int) async throws -> TestPooler {
        let path = "\(cluster.directory)/pgbouncer"
        let settings = """
            [databases]
            * = host=\(cluster.directory) port=\(cluster.port) user=postgres
            [pgbouncer]
            listen_addr =
            unix_socket_dir = \(cluster.directory)
            listen_port = \(port)
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(poolSize)
            pidfile = \(path).pid
            logfile = \(path).log
            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(path).ini"))
        try await cluster.run([program, "-d", "\(path).ini"])
        let pooler = TestPooler(directory: cluster.directory)
        // It goes to the background before it listens.
        let session = PostgresSession(try PostgresConfiguration(pooler.url(database: "postgres")), logger: .silent)
        _ = try await session.query("SELECT 1", deadline: TestDatabase.deadline)
        await session.close()
        return pooler
    }
}
