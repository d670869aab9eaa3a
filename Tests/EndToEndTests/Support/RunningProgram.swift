import Foundation
import Glibc
import LocalPostgres
import Synchronization

/// A program of ours that runs, with its output in a file. It is killed, at the latest, when the test holds it no longer.
///
/// Not Foundation's `Process`: that one notices an end by a socket which other programs that we start may inherit.
final class RunningProgram: Sendable {
    let pid: pid_t
    /// Where its standard error goes, and its standard output unless that has a file of its own.
    let log: URL
    /// What `waitpid` said once it had ended.
    private let end = Mutex<Int32?>(nil)

    init(
        _ executable: URL, _ arguments: [String], environment: [String: String], folder: URL, name: String,
        output: URL? = nil
    ) throws {
        log = folder.appending(path: "\(name).log")
        let program = Program([executable.path] + arguments, in: folder.path, environment: environment)
        pid =
            if let output {
                try program.start(output: output.path, errors: log.path)
            } else {
                try program.start(output: log.path)
            }
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
