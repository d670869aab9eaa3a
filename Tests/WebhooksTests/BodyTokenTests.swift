import Crypto
import Foundation
import Testing
import Webhooks

@Suite("Tokens that vouch for a body")
struct BodyTokenTests {
    private func decoded(_ part: Substring) throws -> Data {
        let text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return try #require(Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4)))
    }

    private func parts(_ maker: BodyToken, _ body: [UInt8]) throws -> [Substring] {
        try body.withUnsafeBytes { try maker.text(id: "evt_1\"", timestamp: 1_700_000_000, body: $0) }.split(
            separator: ".")
    }

    @Test("hold the claims of the contract, signed with HS256")
    func symmetric() throws {
        let key = [UInt8](repeating: 0x56, count: 32)
        let body = Array(#"{"a":1}"#.utf8)
        let parts = try parts(BodyToken(secret: try WebhookSecret(bytes: key)), body)
        #expect(String(decoding: try decoded(parts[0]), as: UTF8.self) == #"{"alg":"HS256","typ":"JWT"}"#)
        let claims = try #require(try JSONSerialization.jsonObject(with: try decoded(parts[1])) as? [String: Any])
        #expect(claims["iss"] as? String == "postrider" && claims["jti"] as? String == "evt_1\"")
        #expect(claims["iat"] as? Int == 1_700_000_000 && claims["exp"] as? Int == 1_700_000_300)
        let digest = SHA256.hash(data: Data(body)).map { String(format: "%02x", $0) }.joined()
        #expect(claims["sha256"] as? String == digest && claims.count == 5)
        let content = Data("\(parts[0]).\(parts[1])".utf8)
        #expect(
            HMAC<SHA256>.isValidAuthenticationCode(
                try decoded(parts[2]), authenticating: content, using: SymmetricKey(data: key)))
    }

    @Test("are signed with EdDSA where there is a key")
    func ed25519() throws {
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: 7, count: 32))
        let parts = try parts(BodyToken(key: try WebhookPrivateKey(seed: [UInt8](repeating: 7, count: 32))), [])
        #expect(String(decoding: try decoded(parts[0]), as: UTF8.self) == #"{"alg":"EdDSA","typ":"JWT"}"#)
        #expect(key.publicKey.isValidSignature(try decoded(parts[2]), for: Data("\(parts[0]).\(parts[1])".utf8)))
    }
}
