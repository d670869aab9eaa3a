import Foundation

/// A receiver in Python whose verdicts on signatures are those of the PyPI library `standardwebhooks`.
final class VerifyingReceiver: Sendable {
    /// One request.
    struct Receipt: Decodable, Sendable {
        let endpoint: String
        let webhookID: String
        let attempt: String
        let verdict: String
        let status: Int
        let body: String

        enum CodingKeys: String, CodingKey {
            case endpoint, attempt, verdict, status, body
            case webhookID = "webhook_id"
        }

        /// The number that the payload carries.
        var number: Int? { body.split(separator: "\"n\":").last.flatMap { Int($0.prefix { $0.isNumber }) } }
    }

    private struct Start: Decodable {
        let port: UInt16
    }

    private let program: RunningProgram
    private let receipts: URL
    private let port: UInt16

    /// Starts it; it can be reached when this returns.
    ///
    /// - Parameter secrets: by the names of the endpoints, which are the last segments of their paths.
    init(_ secrets: [String: String], folder: URL, seed: Int = 1) async throws {
        let receipts = folder.appending(path: "receipts.jsonl")
        self.receipts = receipts
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "receiver.py")
        let texts = String(decoding: try JSONEncoder().encode(secrets), as: UTF8.self)
        let program = try RunningProgram(
            try Self.python(), ["-B", script.path, receipts.path, texts, String(seed)],
            environment: Executable.cleanEnvironment, folder: folder, name: "receiver")
        self.program = program
        try await eventually("the receiver listens") {
            guard program.isRunning else { throw TimedOut(description: "the receiver ended: \(program.said)") }
            return try Self.lines(of: receipts).first != nil
        }
        port = try JSONDecoder().decode(Start.self, from: Self.lines(of: receipts)[0]).port
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

    /// How many requests have come.
    func count() throws -> Int { try Self.lines(of: receipts).count - 1 }

    /// All requests so far, in the order of arrival.
    func all() throws -> [Receipt] {
        try Self.lines(of: receipts).dropFirst().map { try JSONDecoder().decode(Receipt.self, from: $0) }
    }

    /// The whole lines of the file.
    private static func lines(of file: URL) throws -> [Data] {
        guard let data = try? Data(contentsOf: file), let end = data.lastIndex(of: UInt8(ascii: "\n")) else {
            return []
        }
        return data[..<end].split(separator: UInt8(ascii: "\n"))
    }

    /// An interpreter with the library: scripts/prepare makes one.
    private static func python() throws -> URL {
        let given = ProcessInfo.processInfo.environment["STANDARDWEBHOOKS_PYTHON"]
        let path = given ?? Executable.root.appending(path: ".build/python/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TimedOut(
                description: "the verifying receiver needs Python with standardwebhooks: scripts/prepare test")
        }
        return URL(filePath: path)
    }
}
