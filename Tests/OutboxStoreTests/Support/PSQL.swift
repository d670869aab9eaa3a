import Dispatch
import Foundation

/// Debian's psql, which ends after 30 seconds at the latest.
enum PSQL {
    /// Runs a script.
    static func run(
        _ script: String, at url: String, options: [String] = []
    ) async throws -> (status: Int32, output: String) {
        let file = FileManager.default.temporaryDirectory.appending(path: "script-\(UUID().uuidString).sql")
        try Data(script.utf8).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["30", "psql", "-X", "-q", "-d", url] + options + ["-f", file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                let result = Result {
                    try process.run()
                    let text = output.fileHandleForReading.readDataToEndOfFile()
                    process.waitUntilExit()
                    try FileManager.default.removeItem(at: file)
                    return (status: process.terminationStatus, output: String(decoding: text, as: UTF8.self))
                }
                continuation.resume(with: result)
            }
        }
    }
}
