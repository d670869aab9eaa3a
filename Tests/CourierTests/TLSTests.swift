import Courier
import Foundation
import Outbox
import TestSupport
import Testing

@Suite("TLS", .timeLimit(.minutes(1)), .enabled(if: TLSServer.isAvailable, "the openssl command is missing"))
struct TLSTests {
    private let folder: TemporaryFolder
    private let certificate: String

    init() async throws {
        folder = try TemporaryFolder()
        certificate = try await TLSServer.certificate(for: "tls.example", in: folder.url)
    }

    private func fixture(trusting file: String?) throws -> PoolFixture {
        let names = ["tls.example", "other.example"]
        let server = try ScriptedNameServer(
            Dictionary(uniqueKeysWithValues: names.map { ($0, [.addresses([.loopback])]) }))
        return try PoolFixture(names: server) { $0.trustedRootsFile = file }
    }

    private func route(_ server: TLSServer, host: String) -> CourierRoute {
        CourierRoute(
            id: 1, revision: 1, url: "https://\(host):\(server.port)/hook", host: .name(host), port: server.port,
            timeout: .seconds(10), connectTimeout: .seconds(10), fixedHeaders: HeaderLines())
    }

    @Test("A certificate that is trusted and for the host will do, and the connection is kept")
    func trusted() async throws {
        let server = try await TLSServer(certificate: certificate)
        let fixture = try fixture(trusting: certificate)
        let first = try await fixture.send(route(server, host: "tls.example"))
        #expect(first.outcome == .answered(CourierAnswer(status: 200, bodyPrefix: Array("safe".utf8))))
        #expect(first.timings.tls > 0)
        let second = try await fixture.send(route(server, host: "tls.example"))
        #expect(second.outcome.answer?.status == 200)
        #expect(second.timings.reusedConnection)
        #expect(second.timings.tls == 0)
    }

    @Test("A self-signed certificate will not do, and nothing is sent")
    func selfSigned() async throws {
        let server = try await TLSServer(certificate: certificate)
        let result = try await fixture(trusting: nil).send(route(server, host: "tls.example"))
        #expect(result.outcome == .failed(.tlsFailure, detail: "the certificate is self-signed"))
        #expect(server.answered == 0)
    }

    @Test("A certificate for another host will not do")
    func wrongHost() async throws {
        let server = try await TLSServer(certificate: certificate)
        let result = try await fixture(trusting: certificate).send(route(server, host: "other.example"))
        #expect(result.outcome.errorCode == .tlsFailure)
        #expect(server.answered == 0)
    }

    @Test("Versions before TLS 1.2 will not do")
    func oldVersion() async throws {
        let server = try await TLSServer(certificate: certificate, options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        let result = try await fixture(trusting: certificate).send(route(server, host: "tls.example"))
        #expect(result.outcome.errorCode == .tlsFailure)
        #expect(server.answered == 0)
    }

    @Test("A server that offers HTTP/2 alone will not do")
    func otherProtocol() async throws {
        let server = try await TLSServer(certificate: certificate, options: ["-alpn", "h2"])
        let result = try await fixture(trusting: certificate).send(route(server, host: "tls.example"))
        #expect(result.outcome.errorCode == .tlsFailure, "\(result.outcome)")
        #expect(server.answered == 0)
    }

    @Test("A chain of certificates without end will not do")
    func longChain() async throws {
        let one = try String(contentsOfFile: certificate + ".crt", encoding: .utf8)
        let chain = folder.url.appending(path: "chain.pem").path
        try String(repeating: one, count: 400).write(toFile: chain, atomically: true, encoding: .utf8)
        let server = try await TLSServer(certificate: certificate, options: ["-cert_chain", chain])
        let result = try await fixture(trusting: certificate).send(route(server, host: "tls.example"))
        #expect(result.outcome.errorCode == .tlsFailure, "\(result.outcome)")
        #expect(server.answered == 0)
    }

    @Test("The system's trusted certificates are read once, not for each connection")
    func sharedRoots() async throws {
        let file = try #require(TrustedRoots.systemFile())
        let size = try #require(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
        let server = try await TLSServer(certificate: certificate)
        let fixture = try fixture(trusting: nil)
        let route = route(server, host: "tls.example")
        // Not trusted, so each request makes a connection.
        let before = try Self.bytesRead()
        for _ in 0..<20 { #expect(try await fixture.send(route).outcome.answer == nil) }
        let read = try Self.bytesRead() - before
        #expect(read < 10 * size, "\(read) bytes, the file has \(size)")
    }

    /// What this process has read from files so far.
    private static func bytesRead() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/io", encoding: .utf8)
        return try #require(text.split(separator: "\n").first?.split(separator: " ").last.flatMap { Int($0) })
    }
}
