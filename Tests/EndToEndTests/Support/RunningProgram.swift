import Foundation
import Glibc
import Synchronization

/// A program of ours that runs, with its output in a file. It is killed at the latest when nobody holds it any more.
///
/// Not Foundation's `Process`: that one notices an end by a socket which other programs that we start may inherit.
final class RunningProgram: Sendable {
    let pid: pid_t
    /// Where its output goes, both standard output and standard error unless told otherwise.
    let log: URL
    /// What `waitpid` said once it had ended.
    private let end = Mutex<Int32?>(nil)

    init(
        _ executable: URL, _ arguments: [String], environment: [String: String], folder: URL, name: String,
        output: URL? = nil
    ) throws {
        log = folder.appending(path: "\(name).log")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, (output ?? log).path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        if output == nil {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        } else {
            posix_spawn_file_actions_addopen(&actions, 2, log.path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        }
        // Whatever else is open here would be kept open there: connections of the test, pipes of other programs.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        for descriptor in open where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        // The working directory is shared by all threads of ours, so changing it is left to `env`.
        let words = (["/usr/bin/env", "-C", folder.path, executable.path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for text in words + variables { free(text) }
        }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, "/usr/bin/env", &actions, nil, words, variables)
        guard failure == 0 else {
            throw TimedOut(description: "cannot run \(executable.path): \(String(cString: strerror(failure)))")
        }
        self.pid = pid
    }

    deinit {
        guard isRunning else { return }
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    var isRunning: Bool { ending == nil }

    /// Collects the end, once.
    private var ending: Int32? {
        end.withLock { end in
            var status: Int32 = 0
            if end == nil, waitpid(pid, &status, WNOHANG) == pid { end = status }
            return end
        }
    }

    /// What it has said so far.
    var said: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) {
        if isRunning { Glibc.kill(pid, signal) }
    }

    /// Waits for its end: its exit status, or the negative number of the signal that ended it.
    func status(within limit: Duration) async throws -> Int32 {
        try await eventually("\(log.lastPathComponent) ends", within: limit) { !isRunning }
        let status = ending ?? 0
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
    }

    /// Kills it as the kernel would when memory runs out, and waits until it is gone.
    func kill() async throws {
        send(SIGKILL)
        _ = try await status(within: .seconds(10))
    }

    /// Processor time so far, all threads together.
    func processorTime() throws -> Duration {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return .zero }
        return .seconds(user + system) / sysconf(Int32(_SC_CLK_TCK))
    }
}
