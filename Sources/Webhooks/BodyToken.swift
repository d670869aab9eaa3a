import Crypto
import Formats

/// Makes JSON Web Tokens (RFC 7519) that vouch for one request: `jti` is its webhook id, `sha256` the digest of its body.
package struct BodyToken: Sendable {
    private enum Key: Sendable {
        case symmetric(WebhookSecret)
        case ed25519(WebhookPrivateKey)
    }

    private let key: Key

    /// How long a token is valid, in seconds.
    package static let lifetime: Int64 = 300
    /// The claim `iss`.
    package static let issuer = "postrider"

    /// Signs with HS256.
    package init(secret: WebhookSecret) {
        key = .symmetric(secret)
    }

    /// Signs with EdDSA (RFC 8037).
    package init(key: WebhookPrivateKey) {
        self.key = .ed25519(key)
    }

    /// The token in its compact form.
    package func text(
        id: String, timestamp: Int64, body: UnsafeRawBufferPointer
    ) throws(WebhookSigningError) -> String {
        var digest = SHA256()
        digest.update(bufferPointer: body)
        var quotedID = ""
        for scalar in id.unicodeScalars { JSONString.append(scalar, to: &quotedID) }
        let claims =
            #"{"iss":"\#(Self.issuer)","iat":\#(timestamp),"exp":\#(timestamp + Self.lifetime),"jti":"\#(quotedID)","#
            + #""sha256":"\#(Hexadecimal.encode(digest.finalize()))"}"#
        let head = #"{"alg":"\#(algorithm)","typ":"JWT"}"#
        let content = Self.base64URL(Array(head.utf8)) + "." + Self.base64URL(Array(claims.utf8))
        return content + "." + Self.base64URL(try signature(of: Array(content.utf8)))
    }

    private var algorithm: String {
        switch key {
        case .symmetric: "HS256"
        case .ed25519: "EdDSA"
        }
    }

    private func signature(of content: [UInt8]) throws(WebhookSigningError) -> [UInt8] {
        switch key {
        case .symmetric(let secret):
            var hash = KeyedHash(key: secret.key)
            content.withUnsafeBytes { hash.update($0) }
            return Array(hash.finalized())
        case .ed25519(let key):
            return try key.signature(of: content)
        }
    }

    /// RFC 4648 section 5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let text = Base64.encode(bytes).utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
