import Crypto
import Formats

/// Signs requests over `{id}.{timestamp}.{body}` with the schemes of Standard Webhooks 1.0.0: `v1`, HMAC-SHA256, and `v1a`,
/// Ed25519.
///
/// Keep one signer per endpoint: the keys are prepared once, a signature then costs the hashing of the content. During a
/// rotation every live secret signs, the newest first; a receiver accepts any of them.
public struct WebhookSigner: Sendable {
    private let keyed: [KeyedHash]
    private let keys: [WebhookPrivateKey]

    /// A signer with these secrets for `v1` and these keys for `v1a`, the newest first.
    public init(secrets: [WebhookSecret], keys: [WebhookPrivateKey] = []) throws(WebhookSigningError) {
        guard !secrets.isEmpty || !keys.isEmpty else {
            throw WebhookSigningError(.noSecret, "there is no secret to sign with")
        }
        keyed = secrets.map { KeyedHash(key: $0.key) }
        self.keys = keys
    }

    /// The value of the `webhook-signature` header: `v1,<Base64>` for each secret and `v1a,<Base64>` for each key, separated by
    /// spaces.
    ///
    /// - Parameters:
    ///   - id: the value of `webhook-id`. It must not be empty, and a dot in it would let one signature fit two requests.
    ///   - timestamp: the value of `webhook-timestamp`, in seconds since 1970.
    ///   - body: the bytes of the request body, exactly as they are sent.
    public func signature(id: String, timestamp: Int64, body: [UInt8]) throws(WebhookSigningError) -> String {
        let value = body.withUnsafeBytes { bytes in
            Result { () throws(WebhookSigningError) in try signature(id: id, timestamp: timestamp, body: bytes) }
        }
        return String(decoding: try value.get(), as: UTF8.self)
    }

    /// The same as bytes, for a body at any place in memory: for a sender of many requests.
    public func signature(
        id: String, timestamp: Int64, body: UnsafeRawBufferPointer
    ) throws(WebhookSigningError) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(id.utf8.count + SignedContent.maximumTimestampLength + 2)
        head.append(contentsOf: id.utf8)
        guard !head.isEmpty, !head.contains(where: { $0 == SignedContent.dot || $0 <= 0x20 || $0 >= 0x7f }) else {
            throw WebhookSigningError(.id, "a webhook id is visible ASCII without a dot, at least one character")
        }
        SignedContent.complete(&head, timestamp: timestamp)
        var value: [UInt8] = []
        value.reserveCapacity(keyed.count * (SignedContent.signatureLength + 1))
        for hash in keyed {
            if !value.isEmpty { value.append(UInt8(ascii: " ")) }
            SignedContent.appendSignature(of: head, body, with: hash, to: &value)
        }
        for key in keys {
            if !value.isEmpty { value.append(UInt8(ascii: " ")) }
            let signature = try key.signature(of: head + body)
            value.append(contentsOf: SignedContent.ed25519.utf8)
            signature.withUnsafeBytes { Base64.append($0, to: &value) }
        }
        return value
    }
}

/// Why something cannot be signed.
public struct WebhookSigningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules that can be broken.
    public enum Code: String, CaseIterable, Sendable {
        /// There is no secret to sign with.
        case noSecret = "no_secret"
        /// The id is empty, or it holds a dot or another character that would blur where it ends.
        case id
        /// The library of cryptography failed.
        case failed
    }

    /// The rule that was broken.
    public let code: Code
    /// One line for a person.
    public let message: String

    /// The message.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// What signer and verifier have in common: the content `{id}.{timestamp}.{body}` and the text of its signature.
enum SignedContent {
    static let dot = UInt8(ascii: ".")
    /// What stands before an Ed25519 signature.
    static let ed25519 = "v1a,"
    /// `v1,` and the Base64 of 32 bytes.
    static let signatureLength = 47
    /// `-9223372036854775808`
    static let maximumTimestampLength = 20

    /// Makes `{id}.{timestamp}.` out of the id.
    static func complete(_ head: inout [UInt8], timestamp: Int64) {
        head.append(dot)
        head.append(contentsOf: String(timestamp).utf8)
        head.append(dot)
    }

    /// Appends `v1,<Base64>`. The hash is a copy of one that has been given the key and nothing else.
    static func appendSignature(
        of head: [UInt8], _ body: UnsafeRawBufferPointer, with keyed: KeyedHash, to text: inout [UInt8]
    ) {
        var hash = keyed
        head.withUnsafeBytes { hash.update($0) }
        hash.update(body)
        text.append(contentsOf: "v1,".utf8)
        hash.finalized().withUnsafeBytes { Base64.append($0, to: &text) }
    }
}
