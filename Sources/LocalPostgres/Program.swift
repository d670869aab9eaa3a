internal import Dispatch
internal import Foundation
package import Glibc

/// Another program, to be run in a process group of its own, so that the signals of our terminal do not reach it.
///
/// Foundation's `Process` would notice the end of `pg_ctl` only when the server that it leaves behind ends too.
package struct Program: Sendable {
    /// How a program ended.
    package struct Ending: Sendable {
        /// The exit status; `nil` if a signal ended it.
        package let status: Int32?
        /// What it printed, on both streams.
        package let output: String
    }

    private let words: [String]
    private let directory: String
    private let environment: [String: String]

    /// - Parameters:
    ///   - words: the program, looked up in `PATH`, and its arguments.
    ///   - directory: where it runs.
    ///   - environment: ours unless given, in English and without libpq's variables, which would send PostgreSQL's tools to
    ///     another server.
    package init(_ words: [String], in directory: String, environment: [String: String]? = nil) {
        self.words = words
        self.directory = directory
        self.environment = environment ?? Self.ownEnvironment
    }

    /// Runs it to its end, holding no thread of Swift's pool. What it prints is kept in the directory until then.
    package func run() async throws(LocalPostgresError) -> Ending {
        let log = "\(directory)/program-\(UUID().uuidString).log"
        defer { unlink(log) }
        let status = await Self.status(of: try start(output: log))
        return Ending(status: status, output: (try? String(contentsOfFile: log, encoding: .utf8)) ?? "")
    }

    /// Starts it. The caller waits for its end.
    ///
    /// - Parameters:
    ///   - input: a file descriptor for it to read from; nothing otherwise.
    ///   - output: a file for what it prints.
    ///   - errors: a file for its standard error; the same as for the output otherwise.
    package func start(input: Int32? = nil, output: String, errors: String? = nil) throws(LocalPostgresError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        let create = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 1, output, create, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, create, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        // What the program inherits it keeps open as long as it runs: connections, pipes of other programs.
        for descriptor in Self.openDescriptors where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Dispatch's threads block most signals, and a program keeps what its parent blocks or ignores: it could not be ended.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        // Changing the directory is left to `env`: ours is shared by all threads.
        let arguments = (["/usr/bin/env", "-C", directory] + words).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, arguments, variables)
        guard failure == 0 else {
            throw LocalPostgresError(
                "Cannot run \(words.joined(separator: " ")): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// Waits for a program to end; its exit status, or `nil` if a signal ended it.
    static func status(of pid: pid_t) async -> Int32? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
                continuation.resume(returning: status & 0x7F == 0 ? status >> 8 & 0xFF : nil)
            }
        }
    }

    private static var openDescriptors: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) }
    }

    private static var ownEnvironment: [String: String] {
        var own = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        own["LC_ALL"] = "C.UTF-8"
        return own
    }
}
