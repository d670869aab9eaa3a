import Crypto
import Formats

/// Verifies JSON Web Tokens (RFC 7519) that vouch for one request: HS256, or EdDSA (RFC 8037).
///
/// The claim `sha256` must be the digest of the body: a token without it could be sent again with any other body. `exp` must be
/// there. The kind of key says which algorithm counts, never the token.
struct BodyTokenVerifier: Sendable {
    private let symmetric: [SymmetricKey]
    private let keys: [WebhookPublicKey]
    private let tolerance: Duration

    /// A longer token is not looked at.
    static let maximumBytes = 8_192

    init(secrets: [String], tolerance: Duration) throws(WebhookSecretError) {
        var symmetric: [SymmetricKey] = []
        var keys: [WebhookPublicKey] = []
        for secret in secrets {
            if secret.utf8.starts(with: "whpk_".utf8) {
                keys.append(try WebhookPublicKey(secret))
            } else if secret.utf8.starts(with: "whsec_".utf8) {
                symmetric.append(try WebhookSecret(secret, byteCounts: WebhookSecret.legacyByteCounts).key)
            } else {
                symmetric.append(SharedSecret(secret).key)
            }
        }
        self.symmetric = symmetric
        self.keys = keys
        self.tolerance = tolerance
    }

    func verify(_ token: [UInt8], body: [UInt8], now: Int64) throws(WebhookVerificationError) -> VerifiedRequest {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard token.count <= Self.maximumBytes, parts.count == 3,
            let head = Self.object(parts[0]), let claims = Self.object(parts[1]), let code = Self.decode(parts[2]),
            head["crit"] == nil
        else { throw WebhookVerificationError(.invalidToken, "the token is not a JSON Web Token") }
        let content = Array(token.prefix(parts[0].count + 1 + parts[1].count))
        guard fits(code, content, algorithm: head["alg"]) else {
            throw WebhookVerificationError(.noMatchingSignature, "no key fits the signature of the token")
        }
        let timestamp = try check(claims, now: now)
        guard case .string(let digest)? = claims["sha256"],
            ConstantTime.equal(Array(digest.lowercased().utf8), Array(Self.digest(body).utf8)[...])
        else {
            throw WebhookVerificationError(.invalidToken, "the token's claim sha256 is not the digest of the body")
        }
        guard case .string(let id)? = claims["jti"], !id.isEmpty else {
            return VerifiedRequest(timestamp: timestamp)
        }
        return VerifiedRequest(id: id, timestamp: timestamp)
    }

    private func fits(_ code: [UInt8], _ content: [UInt8], algorithm: JSONValue?) -> Bool {
        var fits = false
        if algorithm == .string("HS256") {
            for key in symmetric {
                let expected = content.withUnsafeBytes { HMACAlgorithm.sha256.code(key: key, [], $0, []) }
                if ConstantTime.equal(expected, code[...]) { fits = true }
            }
        }
        if algorithm == .string("EdDSA") {
            for key in keys where key.verifies(code, of: content) { fits = true }
        }
        return fits
    }

    /// Returns when the token was made, where it says so.
    private func check(_ claims: JSONValue, now: Int64) throws(WebhookVerificationError) -> Int64? {
        guard let end = try Self.time("exp", claims) else {
            throw WebhookVerificationError(.invalidToken, "the token does not say when it ends")
        }
        guard end > now else { throw WebhookVerificationError(.tooOld, "the token has ended") }
        let begin = try Self.time("iat", claims)
        let notBefore = try Self.time("nbf", claims)
        for time in [begin, notBefore] {
            guard let time, Duration.seconds(time) - Duration.seconds(now) > tolerance else { continue }
            throw WebhookVerificationError(.tooNew, "the token is too far in the future")
        }
        return begin
    }

    private static func time(_ name: String, _ claims: JSONValue) throws(WebhookVerificationError) -> Int64? {
        switch claims[name] {
        case nil: return nil
        case .number(let number)?:
            if let count = number.count { return Int64(count) }
        default: break
        }
        throw WebhookVerificationError(.invalidToken, "the token's claim \(name) is not a whole number of seconds")
    }

    private static func digest(_ body: [UInt8]) -> String { Hexadecimal.encode(SHA256.hash(data: body)) }

    private static func object(_ part: ArraySlice<UInt8>) -> JSONValue? {
        guard let bytes = decode(part), let value = try? JSONParser.parse(bytes), case .object = value else {
            return nil
        }
        return value
    }

    /// RFC 4648 section 5, without padding.
    private static func decode(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        var text: [UInt8] = []
        text.reserveCapacity(part.count)
        for byte in part {
            switch byte {
            case UInt8(ascii: "-"): text.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): text.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: text.append(byte)
            }
        }
        return Base64.decode(text)
    }
}
