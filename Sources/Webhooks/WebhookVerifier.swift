import Formats

/// Verifies requests that were signed with the schemes of Standard Webhooks 1.0.0: `v1`, and `v1a` where it has public keys.
///
/// Pass the body exactly as it arrived: parsing the JSON and writing it again changes bytes and breaks the signature.
public struct WebhookVerifier: Sendable {
    /// How far the timestamp may be from now, in both directions.
    public let tolerance: Duration

    private let keyed: [KeyedHash]
    private let keys: [WebhookPublicKey]

    /// The tolerance of the reference libraries.
    public static let standardTolerance = Duration.seconds(300)
    /// A sender signs once per live secret and version; more signatures than this are not looked at.
    public static let maximumSignatures = 32

    /// A verifier that accepts a signature with any of these secrets and keys; without any it accepts nothing.
    public init(
        secrets: [WebhookSecret], keys: [WebhookPublicKey] = [], tolerance: Duration = standardTolerance
    ) {
        self.keyed = secrets.map { KeyedHash(key: $0.key) }
        self.keys = keys
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
        try verify(try proof(in: headers, now: now), body: body)
    }

    /// What the head of a request offers as a proof; throws what it proves wrong by itself.
    func proof(
        in headers: some Sequence<(name: String, value: String)>, now: Int64
    ) throws(WebhookVerificationError) -> WebhookProof {
        let fields = try WebhookFields(headers)
        let timestamp = try SignedTime.check(
            fields.timestamp, of: WebhookHeader.timestamp, tolerance: tolerance, now: now)
        var content = Array(fields.id.utf8)
        guard !content.isEmpty, !content.contains(SignedContent.dot) else {
            throw WebhookVerificationError(.invalidID, "\(WebhookHeader.id) is empty or holds a dot")
        }
        SignedContent.complete(&content, timestamp: timestamp)
        let signatures = Array(fields.signature.utf8).split(separator: UInt8(ascii: " "))
        guard signatures.count <= Self.maximumSignatures else {
            throw WebhookVerificationError(
                .tooManySignatures, "\(WebhookHeader.signature) holds more than \(Self.maximumSignatures) signatures")
        }
        return WebhookProof(id: fields.id, timestamp: timestamp, content: content, signatures: signatures)
    }

    /// Holds a proof against the body.
    func verify(_ proof: WebhookProof, body: [UInt8]) throws(WebhookVerificationError) -> VerifiedWebhook {
        guard fits(proof, body: body) else {
            throw WebhookVerificationError(.noMatchingSignature, "no signature in \(WebhookHeader.signature) fits")
        }
        return VerifiedWebhook(id: proof.id, timestamp: proof.timestamp)
    }

    /// Compares every `v1` signature with every secret's, all of them to the end: neither how long it takes nor where it
    /// stops tells which one fits. Other versions are skipped, as the specification asks; `v1a` too, without a key for it.
    private func fits(_ proof: WebhookProof, body: [UInt8]) -> Bool {
        var fits = false
        for hash in keyed {
            var expected: [UInt8] = []
            body.withUnsafeBytes { SignedContent.appendSignature(of: proof.content, $0, with: hash, to: &expected) }
            for signature in proof.signatures where ConstantTime.equal(expected, signature) {
                fits = true
            }
        }
        guard !keys.isEmpty else { return fits }
        for signature in proof.signatures where signature.starts(with: SignedContent.ed25519.utf8) {
            guard let bytes = Base64.decode(signature.dropFirst(SignedContent.ed25519.utf8.count)) else { continue }
            for key in keys where key.verifies(bytes, of: proof.content + body) { fits = true }
        }
        return fits
    }
}

/// What the head of a request offers as a proof.
struct WebhookProof: Sendable {
    let id: String
    let timestamp: Int64
    /// What is signed before the body.
    let content: [UInt8]
    let signatures: [ArraySlice<UInt8>]
}

/// What is known about a request whose signature fits.
public struct VerifiedWebhook: Hashable, Sendable {
    /// The id of the event, the same on every attempt: remember it to recognise a repetition.
    public let id: String
    /// When this attempt was signed, in seconds since 1970.
    public let timestamp: Int64
}

/// Why a request is not what it says it is. Answer such a request with 400 or 401 and do nothing else.
public struct WebhookVerificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules that can be broken.
    public enum Code: String, CaseIterable, Sendable {
        /// A required header is not there.
        case missingHeader = "missing_header"
        /// A header occurs twice, so that two readers could pick different ones.
        case repeatedHeader = "repeated_header"
        /// The id is empty or holds a dot.
        case invalidID = "invalid_id"
        /// The timestamp is not a number of seconds.
        case invalidTimestamp = "invalid_timestamp"
        /// The timestamp is older than the tolerance: perhaps an old request, recorded and sent again.
        case tooOld = "too_old"
        /// The timestamp is further in the future than the tolerance.
        case tooNew = "too_new"
        /// More signatures than a sender has a use for.
        case tooManySignatures = "too_many_signatures"
        /// No signature fits.
        case noMatchingSignature = "no_matching_signature"
        /// The token, or the name and the password, are not those of the sender.
        case wrongCredentials = "wrong_credentials"
        /// Not a JSON Web Token, or one that does not vouch for this body.
        case invalidToken = "invalid_token"
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

/// The three headers of Standard Webhooks, picked out of a request's headers.
struct WebhookFields {
    let id: String
    let timestamp: String
    let signature: String

    init(_ headers: some Sequence<(name: String, value: String)>) throws(WebhookVerificationError) {
        let headers = Array(headers)
        id = try HeaderPicker.one(WebhookHeader.id, of: headers)
        timestamp = try HeaderPicker.one(WebhookHeader.timestamp, of: headers)
        signature = try HeaderPicker.one(WebhookHeader.signature, of: headers)
    }
}

/// Comparison that takes the same time wherever two texts of the same length differ.
enum ConstantTime {
    static func equal(_ left: [UInt8], _ right: ArraySlice<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }
}
