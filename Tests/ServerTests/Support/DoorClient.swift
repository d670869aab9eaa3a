import FlyingSocks
import Foundation
import Glibc
import Settings
import TestSupport
import Worker

/// A connection to a door that says byte for byte what a test wants.
struct DoorClient: Sendable {
    struct Reply: Sendable {
        let status: Int
        /// In lower case, with their names.
        let head: String
        let body: String
    }

    private static let pool = DispatchSocketPool()

    private let socket: AsyncSocket

    init(_ address: ListenAddress) async throws {
        socket = try await .connected(
            to: sockaddr_in.inet(ip4: "\(address.host)", port: address.port), pool: Self.pool)
    }

    func close() { try? socket.close() }

    func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) async throws { try await socket.write(Data(bytes)) }

    /// Writes the same again and again, as far as it is taken, until the other side ends it.
    ///
    /// - Returns: how many bytes were written; `most` where there was no end.
    func pour(_ bytes: [UInt8], most: Int) async -> Int {
        var count = 0
        while count < most {
            do { try await write(bytes) } catch { return count }
            count += bytes.count
        }
        return most
    }

    /// Reads one answer. Nothing is sent behind an answer before the next request.
    func read() async throws -> Reply {
        var received: [UInt8] = []
        while true {
            received += try await socket.read(atMost: 65_536)
            let text = String(decoding: received, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let head = text[..<end.lowerBound].lowercased()
            let body = text[end.upperBound...]
            let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                .flatMap { Int($0.dropFirst(16)) }
            if body.utf8.count >= length ?? 0 {
                let status = Int(head.split(separator: " ")[1]) ?? 0
                return Reply(status: status, head: head, body: String(body))
            }
        }
    }

    /// The statuses of so many answers, which may come together.
    func statuses(_ count: Int) async throws -> [Int] {
        var received: [UInt8] = []
        while true {
            let answers = String(decoding: received, as: UTF8.self).split(separator: "HTTP/1.1 ")
            if answers.count >= count { return answers.map { Int($0.prefix(3)) ?? 0 } }
            received += try await socket.read(atMost: 65_536)
        }
    }

    /// Whether the other side closes without another word.
    func isClosed() async -> Bool {
        do { return try await socket.read(atMost: 1).isEmpty } catch { return true }
    }

    /// One request and its answer on a connection of its own.
    static func send(
        _ method: String = "POST", _ path: String, to address: ListenAddress, _ headers: [String] = [],
        _ body: [UInt8] = []
    ) async throws -> Reply {
        let client = try await DoorClient(address)
        defer { client.close() }
        return try await client.send(method, path, headers, body)
    }

    func send(
        _ method: String = "POST", _ path: String, _ headers: [String] = [], _ body: [UInt8] = []
    ) async throws -> Reply {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: inbox", "Content-Length: \(body.count)"] + headers
        try await write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
        return try await read()
    }
}
