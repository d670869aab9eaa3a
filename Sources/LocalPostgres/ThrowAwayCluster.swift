internal import Foundation
internal import Glibc

/// A PostgreSQL server of one's own in a temporary directory, for demonstrations, tests and benchmarks.
///
/// It listens on a Unix socket in that directory, trusts everybody who gets there, and is gone, directory and all, when
/// ``remove()`` is called or this process ends in whatever way.
package final class ThrowAwayCluster: Sendable {
    /// How a server is stopped.
    package enum StopMode: String, Sendable {
        /// Ends all connections, rolls back what is open, writes everything out.
        case fast
        /// As if it had crashed: the next start recovers from the log.
        case immediate
    }

    /// How a cluster is made.
    package struct Options: Sendable {
        /// Whether commits survive a crash of the machine. Tests save time without.
        package var isDurable: Bool
        /// Whether it listens on 127.0.0.1 too, on a free port.
        package var listensOnLoopback: Bool
        /// Settings for `postgresql.conf`, beside ours: values as they stand there, without quotes.
        package var settings: [String: String]

        /// Durable, on the Unix socket alone, as PostgreSQL comes.
        package init(isDurable: Bool = true, listensOnLoopback: Bool = false, settings: [String: String] = [:]) {
            self.isDurable = isDurable
            self.listensOnLoopback = listensOnLoopback
            self.settings = settings
        }
    }

    /// The directory of everything: socket, data, log.
    package let directory: String
    /// The port, which also names the socket.
    package let port: UInt16
    /// The server's data directory.
    package var dataDirectory: String { "\(directory)/data" }
    /// What the server has to say.
    package var logFile: String { "\(directory)/server.log" }
    /// Where the server's programs are, `psql` and `pg_dump` mostly among them.
    package var binariesDirectory: String { binaries.directory }

    private let binaries: PostgresBinaries
    private let user: SystemUser
    private let caretaker: Caretaker

    private init(
        directory: String, port: UInt16, binaries: PostgresBinaries, user: SystemUser, caretaker: Caretaker
    ) {
        self.directory = directory
        self.port = port
        self.binaries = binaries
        self.user = user
        self.caretaker = caretaker
    }

    /// Makes a cluster and starts it; it takes connections when this returns.
    ///
    /// - Throws: with what to do, where PostgreSQL is not installed or cannot be run.
    package static func start(_ options: Options = Options()) async throws(LocalPostgresError) -> ThrowAwayCluster {
        let binaries = try PostgresBinaries.find()
        let user = try SystemUser.suitable()
        let directory = try TemporaryDirectory.make()
        let data = "\(directory)/data"
        let stop = user.command([binaries.path("pg_ctl"), "stop", "-m", "immediate", "-w", "-D", data])
        let caretaker = try Caretaker(stop: stop, removing: directory)
        try user.own(directory)
        let port = options.listensOnLoopback ? try FreePort.find() : 5432
        let cluster = ThrowAwayCluster(
            directory: directory, port: port, binaries: binaries, user: user, caretaker: caretaker)
        try await cluster.initialize(options)
        try await cluster.start()
        return cluster
    }

    private func initialize(_ options: Options) async throws(LocalPostgresError) {
        // Small segments: the first one is written in full before the server can start.
        let segments = options.isDurable ? [] : ["--wal-segsize=1"]
        let command = [
            binaries.path("initdb"), "-D", dataDirectory, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        ]
        try await run(command + segments)
        var lines = [
            "unix_socket_directories": directory, "port": String(port),
            "listen_addresses": options.listensOnLoopback ? "127.0.0.1" : "",
        ]
        if !options.isDurable {
            lines.merge(["fsync": "off", "full_page_writes": "off"]) { _, new in new }
        }
        lines.merge(options.settings) { _, new in new }
        try append(lines.sorted { $0.key < $1.key }.map { "\($0.key) = \(Self.quoted($0.value))\n" }.joined())
    }

    private func append(_ text: String) throws(LocalPostgresError) {
        let path = "\(dataDirectory)/postgresql.conf"
        guard let file = FileHandle(forWritingAtPath: path) else { throw LocalPostgresError("Cannot write \(path)") }
        do {
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        } catch {
            throw LocalPostgresError("Cannot write \(path): \(error)")
        }
    }

    private static func quoted(_ value: String) -> String {
        "'" + value.replacingOccurrences(of: "'", with: "''") + "'"
    }
}

extension ThrowAwayCluster {
    /// Starts the server after ``stop(_:)``; it takes connections when this returns.
    package func start() async throws(LocalPostgresError) {
        do {
            try await control(["start", "-w", "-t", "60", "-l", logFile])
        } catch {
            let log = (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? ""
            throw LocalPostgresError("\(error)\n\(log)")
        }
    }

    /// Stops the server; it is gone when this returns.
    package func stop(_ mode: StopMode) async throws(LocalPostgresError) {
        try await control(["stop", "-w", "-m", mode.rawValue])
    }

    /// Stops the server and starts it again.
    package func restart(_ mode: StopMode) async throws(LocalPostgresError) {
        try await stop(mode)
        try await start()
    }

    /// Stops the server and removes everything. Not needed at the end of the process.
    package func remove() async {
        await caretaker.finish()
    }

    /// Where libpq finds a database of the cluster, as a URI.
    package func url(database: String = "postgres", user: String = "postgres") -> String {
        "postgresql://\(user)@/\(database)?host=\(directory)&port=\(port)"
    }

    /// Runs a program, such as `psql`, to its end, under the server's user and in its directory.
    ///
    /// - Throws: with what it printed, if it fails.
    package func run(_ words: [String]) async throws(LocalPostgresError) {
        try await Command(words: user.command(words), directory: directory).run()
    }

    private func control(_ words: [String]) async throws(LocalPostgresError) {
        try await run([binaries.path("pg_ctl")] + words + ["-D", dataDirectory])
    }
}
