import Crypto

/// Verifies requests that were signed with the symmetric scheme `v1` of Standard Webhooks 1.0.0.
///
/// Pass the body exactly as it arrived: parsing the JSON and writing it again changes bytes and breaks the signature.
public struct WebhookVerifier: Sendable {
    /// How far the timestamp may be from now, in both directions.
    public let tolerance: Duration

    private let keyed: [HMAC<SHA256>]

    /// The tolerance of the reference libraries.
    public static let standardTolerance = Duration.seconds(300)
    /// A sender signs once per live secret and version; more signatures than this are not looked at.
    public static let maximumSignatures = 32

    /// A verifier that accepts a signature with any of these secrets; without secrets it accepts nothing.
    public init(secrets: [WebhookSecret], tolerance: Duration = standardTolerance) {
        self.keyed = secrets.map { HMAC<SHA256>(key: $0.key) }
        self.tolerance = tolerance
    }

    /// Verifies a request.
    ///
    /// - Parameters:
    ///   - headers: all headers of the request; their names are compared without regard to case.
    ///   - body: the bytes of the body as they arrived.
    ///   - now: the current time in seconds since 1970.
    public func verify(
        headers: some Sequence<(name: String, value: String)>, body: [UInt8], now: Int64
    ) throws(WebhookVerificationError) -> VerifiedWebhook {
        let fields = try WebhookFields(headers)
        let timestamp = try check(timestamp: fields.timestamp, now: now)
        var head = Array(fields.id.utf8)
        guard !head.isEmpty, !head.contains(SignedContent.dot) else {
            throw WebhookVerificationError(.invalidID, "\(WebhookHeader.id) is empty or holds a dot")
        }
        SignedContent.complete(&head, timestamp: timestamp)
        guard try fits(signatures: fields.signature, head: head, body: body) else {
            throw WebhookVerificationError(.noMatchingSignature, "no v1 signature in \(WebhookHeader.signature) fits")
        }
        return VerifiedWebhook(id: fields.id, timestamp: timestamp)
    }

    private func check(timestamp text: String, now: Int64) throws(WebhookVerificationError) -> Int64 {
        let digits = text.utf8
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits.first != UInt8(ascii: "0"),
            let timestamp = Int64(text)
        else {
            throw WebhookVerificationError(
                .invalidTimestamp, "\(WebhookHeader.timestamp) is not a whole number of seconds since 1970")
        }
        // Durations are 128 bits wide: no difference of two 64-bit numbers of seconds overflows.
        let age = Duration.seconds(now) - Duration.seconds(timestamp)
        guard age <= tolerance else {
            throw WebhookVerificationError(.tooOld, "\(WebhookHeader.timestamp) is too old")
        }
        guard age >= .zero - tolerance else {
            throw WebhookVerificationError(.tooNew, "\(WebhookHeader.timestamp) is too far in the future")
        }
        return timestamp
    }

    /// Compares every `v1` signature with every secret's, all of them to the end: neither how long it takes nor where it
    /// stops tells which one fits. Other versions are skipped, as the specification asks.
    private func fits(signatures: String, head: [UInt8], body: [UInt8]) throws(WebhookVerificationError) -> Bool {
        let given = Array(signatures.utf8).split(separator: UInt8(ascii: " "))
        guard given.count <= Self.maximumSignatures else {
            throw WebhookVerificationError(
                .tooManySignatures, "\(WebhookHeader.signature) holds more than \(Self.maximumSignatures) signatures")
        }
        var fits = false
        for hmac in keyed {
            var expected: [UInt8] = []
            body.withUnsafeBytes { SignedContent.appendSignature(of: head, $0, with: hmac, to: &expected) }
            for signature in given where ConstantTime.equal(expected, signature) {
                fits = true
            }
        }
        return fits
    }
}
