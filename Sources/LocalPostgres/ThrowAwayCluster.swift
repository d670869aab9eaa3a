internal import Foundation
internal import Glibc

/// Why no PostgreSQL could be started on this machine, in words that say what to do.
package struct LocalPostgresError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// A private PostgreSQL server in a temporary directory, for demonstrations, tests and benchmarks.
///
/// It listens on a Unix socket in that directory and trusts every client that gets there. The server and its directory are
/// removed by ``remove()``, or when this process ends, in any way.
package final class ThrowAwayCluster: Sendable {
    package enum StopMode: String, Sendable {
        /// Ends all connections, rolls back what is open, writes everything out.
        case fast
        /// Ends at once, as in a crash: the next start recovers from the log.
        case immediate
    }

    package struct Options: Sendable {
        /// Whether commits survive a crash of the machine. Tests save time without.
        package var isDurable: Bool
        /// Whether it listens on 127.0.0.1 too, on a free port.
        package var listensOnLoopback: Bool
        /// Settings for `postgresql.conf`, in addition to ours: values as they stand there, without quotes.
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
    private var logFile: String { "\(directory)/server.log" }

    private let binaries: PostgresBinaries
    private let user: SystemUser
    private let caretaker: Caretaker

    private init(directory: String, port: UInt16, binaries: PostgresBinaries, user: SystemUser, caretaker: Caretaker) {
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
        let directory = try makeDirectory()
        let data = "\(directory)/data"
        let stop = user.command([binaries.path("pg_ctl"), "stop", "-m", "immediate", "-w", "-D", data])
        let caretaker = try Caretaker(stop: stop, removing: directory)
        try user.own(directory)
        let port = options.listensOnLoopback ? try LoopbackPort.free() : 5432
        let cluster = ThrowAwayCluster(
            directory: directory, port: port, binaries: binaries, user: user, caretaker: caretaker)
        try await cluster.initialize(options)
        try await cluster.start()
        return cluster
    }

    /// Makes a standby that streams from another cluster, and starts it.
    package static func start(standbyOf primary: ThrowAwayCluster) async throws(LocalPostgresError) -> ThrowAwayCluster
    {
        let directory = try makeDirectory()
        let data = "\(directory)/data"
        let stop = primary.user.command([primary.binaries.path("pg_ctl"), "stop", "-m", "immediate", "-w", "-D", data])
        let caretaker = try Caretaker(stop: stop, removing: directory)
        try primary.user.own(directory)
        let standby = ThrowAwayCluster(
            directory: directory, port: primary.port, binaries: primary.binaries, user: primary.user,
            caretaker: caretaker)
        try await standby.run([
            "pg_basebackup", "-h", primary.directory, "-p", String(primary.port), "-U",
            "postgres",
            "-D", data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        ])
        try standby.append("unix_socket_directories = \(quoted(directory))\nlisten_addresses = ''\n")
        try await standby.start()
        return standby
    }

    /// The path of a Unix socket has room for 107 bytes; the name of PostgreSQL's takes about twenty.
    private static let maximumPathLength = 80

    /// A fresh directory that only its owner can enter.
    private static func makeDirectory() throws(LocalPostgresError) -> String {
        let wanted = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let parent = wanted.hasPrefix("/") && wanted.utf8.count <= maximumPathLength - 32 ? wanted : "/tmp"
        var template = Array("\(parent)/throw-away-postgres-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw LocalPostgresError("Cannot make a directory in \(parent): \(String(cString: strerror(errno)))")
        }
        return template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? parent }
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
        if !options.isDurable { lines.merge(["fsync": "off", "full_page_writes": "off"]) { _, new in new } }
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
        } catch { throw LocalPostgresError("Cannot write \(path): \(error)") }
    }

    private static func quoted(_ value: String) -> String {
        "'" + value.replacingOccurrences(of: "'", with: "''") + "'"
    }
}

extension ThrowAwayCluster {
    /// Starts the server after ``stop(_:)``; it takes connections when this returns.
    package func start() async throws(LocalPostgresError) {
        do { try await control(["start", "-w", "-t", "60", "-l", logFile]) } catch {
            let log = (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? ""
            throw LocalPostgresError("\(error)\n\(log)")
        }
    }

    /// Stops the server; it has ended when this returns.
    package func stop(_ mode: StopMode) async throws(LocalPostgresError) {
        try await control(["stop", "-w", "-m", mode.rawValue])
    }

    package func restart(_ mode: StopMode) async throws(LocalPostgresError) {
        try await stop(mode)
        try await start()
    }

    /// Stops the server and removes everything. Not needed at the end of the process.
    package func remove() async { await caretaker.finish() }

    /// Where libpq finds a database of the cluster, as a URI.
    package func url(database: String = "postgres", user: String = "postgres") -> String {
        "postgresql://\(user)@/\(database)?host=\(directory)&port=\(port)"
    }

    /// Runs a program, such as `psql`, to its end, under the server's user and in its directory.
    ///
    /// - Throws: with what it printed, if it fails.
    package func run(_ words: [String]) async throws(LocalPostgresError) {
        let ending = try await Program(user.command(words), in: directory).run()
        guard ending.status == 0 else {
            throw LocalPostgresError("\(words.joined(separator: " ")) failed:\n\(ending.output)")
        }
    }

    private func control(_ words: [String]) async throws(LocalPostgresError) {
        try await run([binaries.path("pg_ctl")] + words + ["-D", dataDirectory])
    }
}
