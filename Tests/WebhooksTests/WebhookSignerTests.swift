import Testing
import Webhooks

@Suite("Signing")
struct WebhookSignerTests {
    @Test("every published vector")
    func vectors() throws {
        for vector in try SignatureVector.all() {
            let signer = try WebhookSigner(secrets: [try vector.key()])
            let signature = try signer.signature(id: vector.id, timestamp: vector.timestamp, body: vector.body)
            #expect(signature == vector.signature, "\(vector.id)")
        }
    }

    @Test("during a rotation every secret signs, in the given order")
    func rotation() throws {
        let vector = try #require(try SignatureVector.all().first)
        let old = try WebhookSecret(vector.secret)
        let new = try WebhookSecret(bytes: [UInt8](repeating: 0x56, count: 32))
        func sign(_ secrets: [WebhookSecret]) throws -> String {
            try WebhookSigner(secrets: secrets).signature(id: vector.id, timestamp: vector.timestamp, body: vector.body)
        }
        #expect(try sign([new, old]) == "\(try sign([new])) \(vector.signature)")
        #expect(try sign([old, new]) == "\(vector.signature) \(try sign([new]))")
    }

    @Test("a signer can be used again and again")
    func reuse() throws {
        let vector = try #require(try SignatureVector.all().first)
        let signer = try WebhookSigner(secrets: [try WebhookSecret(vector.secret)])
        for _ in 0..<3 {
            _ = try signer.signature(id: "evt_other", timestamp: 1, body: [1, 2, 3])
            #expect(
                try signer.signature(id: vector.id, timestamp: vector.timestamp, body: vector.body) == vector.signature)
        }
    }

    @Test("an id that blurs the signed content is refused", arguments: ["", "evt.1", ".", "evt 1", "evt\n1", "evté"])
    func id(text: String) throws {
        let signer = try WebhookSigner(secrets: [try WebhookSecret(bytes: [UInt8](repeating: 1, count: 24))])
        let error = try #require(throws: WebhookSigningError.self) {
            try signer.signature(id: text, timestamp: 1, body: [])
        }
        #expect(error.code == .id)
    }

    @Test("without a secret there is no signer")
    func noSecret() {
        #expect(throws: WebhookSigningError.self) { try WebhookSigner(secrets: []) }
    }
}
