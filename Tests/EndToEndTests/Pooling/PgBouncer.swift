import Foundation
import Glibc
import LocalPostgres

/// PgBouncer in transaction mode before a cluster: no session outlives a transaction.
struct PgBouncer: Sendable {
    /// Where libpq finds the database through it.
    let url: String
    let program: RunningProgram

    static func start(before cluster: ThrowAwayCluster, folder: URL) async throws -> PgBouncer {
        let port = try FreePort.find()
        let settings = folder.appending(path: "pgbouncer.ini")
        try """
        [databases]
        * = host=\(cluster.directory) port=\(cluster.port) user=postgres
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        max_client_conn = 100
        default_pool_size = 8

        """.write(to: settings, atomically: true, encoding: .utf8)
        // It refuses to run as root, as the server does.
        let account = geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
        let program = try RunningProgram(
            URL(filePath: "/usr/bin/env"), account + ["pgbouncer", settings.path],
            environment: Executable.cleanEnvironment.merging(["PATH": "/usr/sbin:/usr/bin:/bin"]) { $1 },
            folder: folder, name: "pgbouncer")
        try await eventually("PgBouncer listens", within: .seconds(10)) {
            guard program.isRunning else {
                throw TimedOut(description: "PgBouncer is needed (apt-get install pgbouncer): \(program.said)")
            }
            return program.said.contains("process up")
        }
        return PgBouncer(url: "postgresql://postgres@127.0.0.1:\(port)/postgres", program: program)
    }
}
