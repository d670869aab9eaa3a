import Foundation
import Glibc

/// A program of ours that runs, with its output in a file. It is killed at the latest when nobody holds it any more.
final class RunningProgram: Sendable {
    let pid: pid_t
    /// Where its output goes, both standard output and standard error unless told otherwise.
    let log: URL
    private let process: Process

    init(
        _ executable: URL, _ arguments: [String], environment: [String: String], folder: URL, name: String,
        output: URL? = nil
    ) throws {
        log = folder.appending(path: "\(name).log")
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardError = try Self.create(log)
        process.standardOutput = try output.map(Self.create) ?? process.standardError
        try process.run()
        self.process = process
        pid = process.processIdentifier
    }

    deinit {
        if process.isRunning { Glibc.kill(pid, SIGKILL) }
    }

    private static func create(_ file: URL) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
            throw TimedOut(description: "cannot write \(file.path)")
        }
        return try FileHandle(forWritingTo: file)
    }

    var isRunning: Bool { process.isRunning }

    /// What it has said so far.
    var said: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { Glibc.kill(pid, signal) }

    /// Waits for its end: its exit status, or the negative number of the signal that ended it.
    func status(within limit: Duration) async throws -> Int32 {
        try await eventually("\(log.lastPathComponent) ends", within: limit) { !process.isRunning }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
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
