import Testing
import Webhooks

@Suite("The head of a request")
struct WebhookHeadTests {
    private let body: [UInt8] = Array(#"{"a":1}"#.utf8)

    private func fields(_ head: WebhookHead, at timestamp: Int64 = 1_674_087_231) throws -> [String] {
        let signer = RequestSigner(
            try WebhookSigner(secrets: [try WebhookSecret(bytes: [UInt8](repeating: 0x56, count: 32))]))
        var fields: [String] = []
        try body.withUnsafeBytes { bytes in
            try head.append(signedBy: signer, at: timestamp, body: bytes) { fields.append("\($0): \($1)") }
        }
        return fields
    }

    @Test("holds the fields of the standard and of the contract, in order, and verifies")
    func fieldsInOrder() throws {
        let head = WebhookHead(
            contentType: "application/json", id: "evt_1", eventType: "order.paid", attempt: 3, traceparent: "00-a-b-01")
        let fields = try fields(head)
        #expect(
            fields.map { $0.prefix { $0 != ":" } } == [
                "content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "webhook-event-type",
                "webhook-attempt", "traceparent",
            ])
        #expect(fields.contains("webhook-attempt: 3"))
        let verifier = WebhookVerifier(secrets: [try WebhookSecret(bytes: [UInt8](repeating: 0x56, count: 32))])
        let pairs = fields.map { $0.split(separator: ": ", maxSplits: 1).map(String.init) }.map {
            (name: $0[0], value: $0[1])
        }
        #expect(try verifier.verify(headers: pairs, body: body, now: 1_674_087_231).id == "evt_1")
    }

    @Test("without a trace there is no traceparent")
    func untraced() throws {
        let fields = try fields(WebhookHead(contentType: "text/plain", id: "evt_1", eventType: "a", attempt: 1))
        #expect(fields.last == "webhook-attempt: 1")
    }

    @Test("nothing is appended when the request cannot be signed")
    func unsigned() throws {
        let head = WebhookHead(contentType: "text/plain", id: "evt.1", eventType: "a", attempt: 1)
        let signer = RequestSigner(
            try WebhookSigner(secrets: [try WebhookSecret(bytes: [UInt8](repeating: 0x56, count: 32))]))
        var count = 0
        #expect(throws: WebhookSigningError.self) {
            try body.withUnsafeBytes { bytes in
                try head.append(signedBy: signer, at: 1, body: bytes) { _, _ in count += 1 }
            }
        }
        #expect(count == 0)
    }
}
