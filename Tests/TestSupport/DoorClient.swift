internal import Foundation
package import Settings

/// A connection to a door that says byte for byte what a test wants.
package struct DoorClient: Sendable {
    package struct Reply: Sendable {
        package let status: Int
        /// In lower case, with their names.
        package let head: String
        package let body: String
    }

    private let socket: LoopbackSocket

    package init(_ address: ListenAddress) throws {
        socket = try LoopbackSocket(address)
    }

    package func close() { socket.close() }

    /// Says that nothing more will be sent.
    package func endSending() { socket.endSending() }

    package func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    package func write(_ bytes: [UInt8]) async throws { try await socket.write(bytes) }

    /// Writes the same again and again, as far as it is taken, until the other side ends it.
    ///
    /// - Returns: how many bytes were written; `most` where there was no end.
    package func pour(_ bytes: [UInt8], most: Int) async -> Int {
        var count = 0
        while count < most {
            do { try await write(bytes) } catch { return count }
            count += bytes.count
        }
        return most
    }

    /// Reads one answer. Nothing is sent behind an answer before the next request.
    package func read() async throws -> Reply {
        var received: [UInt8] = []
        while true {
            received += try await socket.read()
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
    package func statuses(_ count: Int) async throws -> [Int] {
        var received: [UInt8] = []
        while true {
            let answers = String(decoding: received, as: UTF8.self).split(separator: "HTTP/1.1 ")
            if answers.count >= count { return answers.map { Int($0.prefix(3)) ?? 0 } }
            received += try await socket.read()
        }
    }

    /// Some bytes, as soon as there are any.
    package func read(atMost most: Int) async throws -> [UInt8] { try await socket.read(atMost: most) }

    /// All that comes until the other side closes.
    package func readToEnd() async throws -> String { String(decoding: try await socket.readToEnd(), as: UTF8.self) }

    /// Whether the other side closes without another word.
    package func isClosed() async -> Bool {
        do {
            _ = try await socket.read(atMost: 1)
            return false
        } catch LoopbackSocket.Failure.timedOut {
            return false
        } catch {
            return true
        }
    }

    /// One request and its answer on a connection of its own.
    package static func send(
        _ method: String = "POST", _ path: String, to address: ListenAddress, _ headers: [String] = [],
        _ body: [UInt8] = []
    ) async throws -> Reply {
        let client = try DoorClient(address)
        defer { client.close() }
        return try await client.send(method, path, headers, body)
    }

    package func send(
        _ method: String = "POST", _ path: String, _ headers: [String] = [], _ body: [UInt8] = []
    ) async throws -> Reply {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: inbox", "Content-Length: \(body.count)"] + headers
        try await write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
        return try await read()
    }
}
