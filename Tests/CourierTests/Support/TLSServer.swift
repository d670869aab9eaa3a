import Foundation
import Glibc
import LocalPostgres
import Synchronization

/// OpenSSL's own test server as a receiver: it decrypts, this type answers 200 to every request with the body `hello`.
final class TLSServer: Sendable {
    static let openssl = "/usr/bin/openssl"
    static let isAvailable = FileManager.default.isExecutableFile(atPath: openssl)

    private struct State {
        var output = ""
        var answered = 0
        var port: UInt16?
        var waiter: CheckedContinuation<UInt16, any Error>?
    }

    let port: UInt16
    private let server: Process

    /// The number of requests that were answered.
    var answered: Int { state.withLock { $0.answered } }
    private let state: Shared

    /// A reference to the state that the reading handler can keep.
    private final class Shared: Sendable {
        private let state = Mutex(State())
        func withLock<Value>(_ body: (inout sending State) -> sending Value) -> sending Value { state.withLock(body) }
    }

    /// - Parameters:
    ///   - certificate: a file with the certificate and its key.
    ///   - options: more of `openssl s_server`'s options.
    init(certificate: String, options: [String] = []) async throws {
        let server = Process()
        let (input, output) = (Pipe(), Pipe())
        let state = Shared()
        server.executableURL = URL(fileURLWithPath: Self.openssl)
        server.arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", certificate] + options
        server.standardInput = input
        server.standardOutput = output
        server.standardError = FileHandle.nullDevice
        output.fileHandleForReading.readabilityHandler = { handle in
            let text = String(decoding: handle.availableData, as: UTF8.self)
            if text.isEmpty {
                handle.readabilityHandler = nil
                state.withLock { $0.waiter.take() }?.resume(throwing: CocoaError(.fileReadUnknown))
                return
            }
            let (requests, waiter, port) = state.withLock { Self.take(text, &$0) }
            if let port { waiter?.resume(returning: port) }
            for _ in 0..<requests {
                input.fileHandleForWriting.write(Data("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe".utf8))
            }
        }
        try server.run()
        port = try await withCheckedThrowingContinuation { continuation in
            let known = state.withLock { state -> UInt16? in
                if state.port == nil { state.waiter = continuation }
                return state.port
            }
            if let known { continuation.resume(returning: known) }
        }
        self.state = state
        self.server = server
    }

    deinit {
        server.terminate()
        // It may have inherited that the signal is blocked.
        if server.isRunning { kill(server.processIdentifier, SIGKILL) }
    }

    /// Makes a self-signed certificate for `host` and its key, in one file.
    static func certificate(for host: String, in directory: URL) async throws -> String {
        let path = directory.appending(path: "\(host).pem").path
        let ending = try await Program(
            [
                openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "2",
                "-subj", "/CN=\(host)", "-addext", "subjectAltName=DNS:\(host)", "-keyout", path, "-out", path + ".crt",
            ], in: directory.path
        ).run()
        guard ending.status == 0 else { throw CertificateMissing(output: ending.output) }
        let both =
            try Data(contentsOf: URL(filePath: path + ".crt")) + Data(contentsOf: URL(filePath: path))
        try both.write(to: URL(filePath: path))
        return path
    }

    private struct CertificateMissing: Error {
        let output: String
    }

    /// How many requests came to their end, and the call that waits for the port.
    private static func take(
        _ text: String, _ state: inout State
    ) -> (requests: Int, waiter: CheckedContinuation<UInt16, any Error>?, port: UInt16?) {
        state.output += text
        var requests = 0
        while let end = state.output.range(of: "\r\n\r\nhello") {
            state.output.removeSubrange(..<end.upperBound)
            requests += 1
        }
        state.answered += requests
        if state.port == nil, let mark = state.output.range(of: "ACCEPT 127.0.0.1:"),
            let end = state.output[mark.upperBound...].firstIndex(of: "\n")
        {
            state.port = UInt16(state.output[mark.upperBound..<end])
        }
        return (requests, state.port == nil ? nil : state.waiter.take(), state.port)
    }
}
