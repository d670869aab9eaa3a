import Crypto

/// Signs requests with the symmetric scheme `v1` of Standard Webhooks 1.0.0: HMAC-SHA256 over
/// `{id}.{timestamp}.{body}`.
///
/// Keep one signer per endpoint: the keys are prepared once, a signature then costs the hashing of the content. During a
/// rotation every live secret signs, the newest first; a receiver accepts any of them.
public struct WebhookSigner: Sendable {
    private let keyed: [HMAC<SHA256>]

    /// A signer with these secrets, the newest first.
    public init(secrets: [WebhookSecret]) throws(WebhookSigningError) {
        guard !secrets.isEmpty else { throw WebhookSigningError(.noSecret, "there is no secret to sign with") }
        keyed = secrets.map { HMAC<SHA256>(key: $0.key) }
    }

    /// The value of the `webhook-signature` header: `v1,<Base64>` for each secret, separated by spaces.
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

    /// The same for a body that lies somewhere in memory, and as bytes: for those who sign many.
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
        for hmac in keyed {
            if !value.isEmpty { value.append(UInt8(ascii: " ")) }
            SignedContent.appendSignature(of: head, body, with: hmac, to: &value)
        }
        return value
    }
}
