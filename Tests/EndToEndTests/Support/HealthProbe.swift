import Foundation
import LocalPostgres

/// Asks the health server of a worker.
struct HealthProbe {
    let port: UInt16
    let executable: Executable

    init(_ executable: Executable) throws {
        port = try LoopbackPort.free()
        self.executable = executable
    }

    /// For `startWorker`.
    var settings: [String: String] { ["POSTRIDER_HEALTH_LISTEN": "127.0.0.1:\(port)"] }

    /// The body of an answer with any status.
    func get(_ path: String) async throws -> String {
        let output = executable.folder.appending(path: "health-\(UUID().uuidString)")
        let program = try RunningProgram(
            URL(filePath: "/usr/bin/curl"), ["--silent", "--max-time", "5", "http://127.0.0.1:\(port)\(path)"],
            environment: Executable.cleanEnvironment, folder: executable.folder, name: "curl", output: output)
        _ = try await program.status(within: .seconds(10))
        return try String(contentsOf: output, encoding: .utf8)
    }

    /// What a metric stands at; nil when it is absent.
    func metric(_ name: String) async throws -> Double? {
        try await get("/metrics").split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }
}
