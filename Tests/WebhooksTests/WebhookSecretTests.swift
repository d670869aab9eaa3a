import Testing
import Webhooks

@Suite("Signing secrets")
struct WebhookSecretTests {
    @Test("text and bytes", arguments: 24...64)
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0 &* 37 & 0xff) }
        let secret = try WebhookSecret(bytes: bytes)
        #expect(secret.revealed.hasPrefix("whsec_"))
        #expect(try WebhookSecret(secret.revealed) == secret)
        #expect(try WebhookSecret(String(secret.revealed.prefix { $0 != "=" })) == secret, "padding may be missing")
    }

    @Test("lengths that are refused", arguments: [0, 1, 23, 65, 1_000])
    func length(count: Int) throws {
        let error = try #require(throws: WebhookSecretError.self) {
            try WebhookSecret(bytes: [UInt8](repeating: 1, count: count))
        }
        #expect(error.code == .length)
    }

    @Test("shorter secrets of other senders are accepted on request, down to 16 bytes")
    func legacy() throws {
        let text = "whsec_plJ3nmyCDGBKInavdOK15jsl"
        #expect(throws: WebhookSecretError.self) { try WebhookSecret(text) }
        #expect(try WebhookSecret(text, byteCounts: WebhookSecret.legacyByteCounts).revealed == text)
        #expect(throws: WebhookSecretError.self) {
            try WebhookSecret(bytes: [UInt8](repeating: 1, count: 15), byteCounts: WebhookSecret.legacyByteCounts)
        }
    }

    @Test(
        "texts that are refused",
        arguments: [
            ("", .prefix), ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .prefix),
            ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .prefix),
            ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .prefix), (" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .prefix),
            ("whsec_", .length), ("whsec_MfKQ", .length), ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", .base64),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", .base64),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw====", .base64),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La_aS-", .base64), ("whsec_MfKQ 9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .base64),
            ("whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=", .base64),
        ] as [(String, WebhookSecretError.Code)])
    func refused(text: String, code: WebhookSecretError.Code) throws {
        let error = try #require(throws: WebhookSecretError.self) { try WebhookSecret(text) }
        #expect(error.code == code)
        #expect(!error.message.contains("MfKQ"))
    }

    @Test("neither print nor dump shows the secret")
    func hidden() throws {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let secret = try WebhookSecret(text)
        var dumped = ""
        dump([secret], to: &dumped)
        for shown in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            #expect(!shown.contains("MfKQ"))
            #expect(shown.contains(secret.fingerprint))
        }
        #expect(secret.fingerprint.count == 8)
        #expect(secret.revealed == text)
    }

    @Test("secrets that differ in one bit differ")
    func difference() throws {
        let bytes = [UInt8](repeating: 7, count: 32)
        let secret = try WebhookSecret(bytes: bytes)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(try WebhookSecret(bytes: other) != secret)
        }
    }
}
