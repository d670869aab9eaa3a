import Foundation
import Testing
import Webhooks

@Suite("Signature schemes")
struct SignatureSchemeTests {
    private static let other = "whsec_VlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlY="

    private func secret(_ text: String) throws -> (standard: WebhookSecret, shared: SharedSecret) {
        let standard = try (try? WebhookSecret(text)) ?? WebhookSecret(bytes: Array(text.utf8), byteCounts: 1...256)
        return (standard, SharedSecret(text))
    }

    @Test("every vector")
    func vectors() throws {
        let vectors = try TabVectors.read("schemes.tsv", fields: 6)
        #expect(vectors.count == 14)
        for vector in vectors {
            let scheme = try SignatureScheme(vector[0])
            let signer = try RequestSigner(schemes: [scheme], secrets: [try secret(vector[1])])
            let fields = try signer.fields(
                id: "evt_1", timestamp: try #require(Int64(vector[2])), type: "order.paid", body: Array(vector[3].utf8))
            #expect(fields.contains { $0.name == vector[4] && $0.value == vector[5] }, "\(vector[0]): \(fields)")
            #expect(Set(fields.map(\.name)) == Set(scheme.headerNames))
        }
    }

    @Test("every Ed25519 vector is made, and verified")
    func ed25519() throws {
        for vector in try TabVectors.read("ed25519.tsv", fields: 6) {
            let key = try WebhookPrivateKey(vector[0])
            #expect("\(key.publicKey)" == vector[1])
            let signer = try WebhookSigner(secrets: [], keys: [key])
            let (timestamp, body) = (try #require(Int64(vector[3])), Array(vector[4].utf8))
            #expect(try signer.signature(id: vector[2], timestamp: timestamp, body: body) == vector[5])
            let verifier = WebhookVerifier(secrets: [], keys: [try WebhookPublicKey(vector[1])])
            func verify(_ body: [UInt8]) throws {
                _ = try verifier.verify(
                    headers: [
                        ("webhook-id", vector[2]), ("webhook-timestamp", vector[3]),
                        ("webhook-signature", "v1,xyz v1a,AAAA " + vector[5]),
                    ], body: body, now: timestamp)
            }
            try verify(body)
            #expect(throws: WebhookVerificationError.self) { try verify(body + [0x20]) }
        }
    }

    @Test("several schemes at once, all live secrets in those that can carry several")
    func several() throws {
        let vector = try #require(try SignatureVector.all().first)
        let key = try WebhookPrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let signer = try RequestSigner(
            schemes: [.v1, .v1a, .svix, .stripe, .github, .slack],
            secrets: [try secret(Self.other), try secret(vector.secret)], keys: [key])
        let fields = Dictionary(
            try signer.fields(id: vector.id, timestamp: vector.timestamp, type: "a.b", body: vector.body)
                .map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        let standard = try #require(fields["webhook-signature"])
        #expect(standard.split(separator: " ").map { $0.prefix { $0 != "," } } == ["v1", "v1", "v1a"])
        #expect(standard.contains(" \(vector.signature) "))
        #expect(fields["svix-signature"] == standard)
        #expect(fields["svix-id"] == vector.id && fields["svix-timestamp"] == "1614265330")
        let stripe = try #require(fields["Stripe-Signature"])
        #expect(
            stripe.hasSuffix(",v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"), "\(stripe)")
        #expect(stripe.split(separator: ",").count == 3)
        #expect(fields["X-Hub-Signature-256"]?.count == "sha256=".count + 64)
        #expect(fields["X-Slack-Request-Timestamp"] == "1614265330")
    }

    @Test(
        "what is no scheme is refused",
        arguments: [
            "", "v2", "V1", "hmac", "hmac:", "hmac:X", "hmac:X,sha256", "hmac:,sha256,hex", "hmac:X Y,sha256,hex",
            "hmac:X\r\nY,sha256,hex", "hmac:X,md5,hex", "hmac:X,SHA256,hex", "hmac:X,sha256,HEX",
            "hmac:X,sha256,hex, v0=",
            "hmac:X,sha256,hex,{body}", "hmac:X,sha256,hex,{x}", "hmac:X,sha256,hex,}", "hmac:X,sha256,hex,,",
            "hmac:X,sha256,hex,,{timestamp}", "hmac:X,sha256,hex,,{body}{body}", "hmac:X,sha256,hex,,{body",
            "hmac:X,sha256,hex,é",
            "hmac:X,sha256,hex,,{body}" + String(repeating: "x", count: 500),
        ])
    func refused(text: String) {
        #expect(throws: SignatureSchemeError.self) { try SignatureScheme(text) }
    }

    @Test(
        "a scheme is read from what it prints",
        arguments: [
            "v1", "v1a", "github", "stripe", "shopify", "slack", "svix",
            "hmac:X,sha1,base64,a {id}=,{timestamp},{type}{body},",
        ])
    func description(text: String) throws {
        #expect(try SignatureScheme(text).description == text)
    }

    @Test("a key is refused for what is wrong with it, and never shown")
    func keys() throws {
        let seed = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
        let wrongHalf = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvw=="
        for (text, code) in [
            ("whsec_\(seed)", WebhookSecretError.Code.prefix), ("whsk_!", .base64), ("whsk_AAAA", .length),
            (wrongHalf, .publicHalf),
        ] {
            #expect(try #require(throws: WebhookSecretError.self) { try WebhookPrivateKey(text) }.code == code)
        }
        let key = try WebhookPrivateKey("whsk_\(seed)")
        #expect(key.revealed == "whsk_\(seed)")
        var dumped = ""
        dump(key, to: &dumped)
        dump(SharedSecret(seed), to: &dumped)
        #expect(!"\(key) \(String(reflecting: key)) \(SharedSecret(seed)) \(dumped)".contains("6Xb"))
    }
}
