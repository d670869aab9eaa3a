import Settings
import Synchronization
import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) final class ReceiverTests: Sendable {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let time = 1_732_060_800.0

    private let received = Mutex<[ReceivedRequest]>([])

    /// Sends `requests` to a receiver, each over a connection of its own, and returns the status codes.
    private func send(
        _ requests: [String], verifying: Bool, as responder: Responder? = nil, after delay: Duration = .zero
    ) async throws -> [String] {
        let secret = try WebhookSecret(Self.secret)
        let (addresses, listening) = AsyncStream.makeStream(of: ListenAddress.self)
        var receiver = Receiver(
            address: .loopback(port: 0), verifier: verifying ? WebhookVerifier(secrets: [secret]) : nil,
            now: { Self.time }, tell: { request in self.received.withLock { $0.append(request) } })
        if let responder { receiver.choose = { await responder.reply(to: $0) } }
        receiver.delay = delay
        return try await withThrowingTaskGroup(of: Void.self) { [receiver] group in
            defer { group.cancelAll() }
            group.addTask { try await receiver.run { listening.yield($0) } }
            let address = try #require(await addresses.first { _ in true })
            var statuses: [String] = []
            for request in requests {
                statuses.append(try await exchange(request, with: address))
            }
            return statuses
        }
    }

    private func exchange(_ request: String, with address: ListenAddress) async throws -> String {
        let client = try DoorClient(address)
        defer { client.close() }
        try await client.write(request)
        return "\(try await client.read().status)"
    }

    /// A POST with the vector of Standard Webhooks' reference libraries for the secret above, or with another signature.
    private func post(_ body: String, headers: [String] = []) -> String {
        let lines = ["POST /hook?x=1 HTTP/1.1", "Host: x", "Content-Length: \(body.utf8.count)"] + headers
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private func signed(_ body: String, as id: String = "evt_1", at timestamp: Int = 1_732_060_800) throws -> [String] {
        let signer = try WebhookSigner(secrets: [WebhookSecret(Self.secret)])
        let signature = try signer.signature(id: id, timestamp: Int64(timestamp), body: Array(body.utf8))
        return [
            "Webhook-Id: \(id)", "webhook-timestamp: \(timestamp)", "WEBHOOK-SIGNATURE: \(signature)",
            "webhook-event-type: order.paid", "webhook-attempt: 3",
        ]
    }

    @Test func signatureDecidesTheAnswer() async throws {
        let body = #"{"a":1}"#
        let statuses = try await send(
            [
                post(body, headers: try signed(body)), post(body + " ", headers: try signed(body)), post(body),
                post(body, headers: try signed(body, at: 1_732_060_499)),
            ], verifying: true)
        #expect(statuses == ["200", "401", "401", "401"])
        let seen = received.withLock { $0 }
        #expect(seen.map(\.body.count) == [7, 8, 7, 7])
        let codes = seen.map { request in
            if case .refused(let code, _) = request.verification { code } else { "" }
        }
        #expect(codes == ["", "no_matching_signature", "missing_header", "too_old"])
        #expect(
            seen.first?.text == """
                00:00:00  200  POST /hook?x=1  evt_1  order.paid  attempt 3  scheme standard  signature verified  7 bytes
                    {"a":1}
                """)
    }

    @Test func answersAsItIsTold() async throws {
        let body = "{}"
        let responder = Responder(plan: try AnswerPlan("500,410,ok"), forwarder: nil)
        let good = post(body, headers: try signed(body))
        let statuses = try await send([good, good, good, post(body), good], verifying: true, as: responder)
        #expect(statuses == ["500", "410", "200", "401", "200"])
        #expect(received.withLock { $0.map(\.status) } == [500, 410, 200, 401, 200])
        #expect(received.withLock { $0.first?.text.contains("  500  POST ") } == true)
    }

    @Test func answersWait() async throws {
        let start = ContinuousClock.now
        #expect(try await send([post("a")], verifying: false, after: .milliseconds(300)) == ["200"])
        #expect(ContinuousClock.now - start >= .milliseconds(300))
    }

    @Test func withoutSecretEverythingIsTaken() async throws {
        let statuses = try await send([post("hello"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"], verifying: false)
        #expect(statuses == ["200", "405"])
        #expect(received.withLock { $0.first?.verification } == .unchecked)
    }

    @Test func chunkedBodiesAreTakenAndHugeOnesRefused() async throws {
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        let huge = post(String(repeating: "x", count: Receiver.bodyLimit + 1))
        #expect(try await send([chunked, huge], verifying: false) == ["200", "413"])
        #expect(received.withLock { $0.map(\.body) } == [Array("hello".utf8)])
    }
}
