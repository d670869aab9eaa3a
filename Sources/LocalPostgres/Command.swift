internal import Dispatch
internal import Foundation
internal import Glibc

/// Another program, in a process group of its own, so that the signals of our terminal are not for it.
///
/// Foundation's `Process` would notice the end of `pg_ctl` only when the server that it leaves behind ends too.
struct Command: Sendable {
    let words: [String]
    /// Where it runs, and where what it prints is kept for a while.
    let directory: String

    /// Runs it to its end, holding no thread of Swift's pool.
    ///
    /// - Throws: with what the program printed, if it fails.
    func run() async throws(LocalPostgresError) {
        let log = "\(directory)/command-\(UUID().uuidString).log"
        defer { unlink(log) }
        let pid = try spawn(input: nil, output: log)
        guard await Self.exitStatus(of: pid) == 0 else {
            let printed = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw LocalPostgresError("\(words.joined(separator: " ")) failed:\n\(printed)")
        }
    }

    /// Starts it.
    ///
    /// - Parameters:
    ///   - input: a file descriptor for it to read from; nothing otherwise.
    ///   - output: a file for what it prints.
    func spawn(input: Int32?, output: String) throws(LocalPostgresError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
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
        let variables = Self.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for text in arguments + variables { free(text) }
        }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, arguments, variables)
        guard failure == 0 else {
            throw LocalPostgresError(
                "Cannot run \(words.joined(separator: " ")): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// Waits for a program to end; its exit status, or `nil` if a signal ended it.
    static func exitStatus(of pid: pid_t) async -> Int32? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
                continuation.resume(returning: status & 0x7F == 0 ? status >> 8 & 0xFF : nil)
            }
        }
    }

    /// What a program would inherit and keep open as long as it runs.
    private static var openDescriptors: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) }
    }

    /// Ours, without libpq's variables, which would send the tools to another server, and in English.
    private static var environment: [String: String] {
        var own = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        own["LC_ALL"] = "C.UTF-8"
        return own
    }
}
