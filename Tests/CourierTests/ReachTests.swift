import Foundation
import Outbox
import TestSupport
import Testing

@testable import Courier

@Suite("Reach", .timeLimit(.minutes(1)), .enabled(if: TLSServer.isAvailable, "the openssl command is missing"))
struct ReachTests {
    private let folder: TemporaryFolder
    private let certificate: String

    init() async throws {
        folder = try TemporaryFolder()
        certificate = try await TLSServer.certificate(for: "tls.example", in: folder.url)
    }

    private func reach(_ urls: String..., trusting file: String? = nil, isAllowed: Bool = true) async throws -> [Reach]
    {
        let names = try ScriptedNameServer(["tls.example": [.addresses([.loopback])]])
        let probe = ReachProbe(trustedRootsFile: file, names: names.settings) { _ in isAllowed }
        defer { withExtendedLifetime(names) {} }
        return await probe.reach(try urls.map { ReachRequest(try EndpointURL($0)) })
    }

    @Test("The handshake is made, the expiry read, and no request sent")
    func certificateDays() async throws {
        let server = try await TLSServer(certificate: certificate)
        let reached = try await reach("https://tls.example:\(server.port)/", trusting: certificate)
        guard case .reached(let expiry?) = reached.first else {
            Issue.record("\(reached)")
            return
        }
        // TLSServer's certificates last two days.
        let left = Double(expiry) - Date().timeIntervalSince1970
        #expect((172_000...172_801).contains(left), "\(left)")
        #expect(server.answered == 0)
    }

    @Test("A certificate that is not trusted is a failure")
    func untrusted() async throws {
        let server = try await TLSServer(certificate: certificate)
        let reached = try await reach("https://tls.example:\(server.port)/")
        #expect(reached == [.failed(.tlsFailure, detail: "the certificate is self-signed")])
    }

    @Test("Names that do not exist, addresses that are forbidden, ports without a listener")
    func failures() async throws {
        #expect(
            try await reach("http://gone.example/", "http://127.0.0.1:1/") == [
                .failed(.dnsFailure, detail: "the name does not exist"),
                .failed(.connectionRefused, detail: "connection refused"),
            ])
        #expect(
            try await reach("http://tls.example/", "http://[::1]/", isAllowed: false)
                == [.blocked(.loopback), .blocked(try #require(IPAddress("::1")))])
    }
}
