import Crypto
import Formats

/// Verifies requests in the scheme of their sender, with any of several secrets: during a rotation both the old and the new
/// one fit.
///
/// Pass the body exactly as it arrived. A header that decides must be there once: of two, another reader could take the other.
/// Every comparison with a secret takes the same time wherever the two differ.
public struct RequestVerifier: Sendable {
    /// The scheme.
    public let scheme: SourceScheme
    /// How far a timestamp may be from now, in both directions, in the schemes that have one.
    public let tolerance: Duration

    private let means: Means
    /// Of the secrets. They have one length, so that a comparison tells nothing of how long a secret is.
    private let digests: [[UInt8]]

    private enum Means: Sendable {
        case standard(WebhookVerifier)
        case header(HMACScheme, [SharedSecret])
        case stripe([SharedSecret])
        case slack([SharedSecret])
        case credentials(AuthorizationField.Kind)
        case token(BodyTokenVerifier)
        case none
    }

    /// A verifier that accepts what any of these secrets proves.
    ///
    /// - Parameter secrets: `whsec_…` and `whpk_…` for `standard`; for `jwt` these or any text; `USER:PASSWORD` for `basic`;
    ///   for the others the text that the sender was given. Without any only `none` accepts something, so it is refused.
    public init(
        scheme: SourceScheme, secrets: [String], tolerance: Duration = WebhookVerifier.standardTolerance
    ) throws(WebhookSecretError) {
        self.scheme = scheme
        self.tolerance = tolerance
        guard scheme == .none || !secrets.isEmpty, secrets.allSatisfy({ !$0.isEmpty }) else {
            throw WebhookSecretError(.length, "there is no secret to verify with, or an empty one")
        }
        digests = secrets.map { Array(SHA256.hash(data: Array($0.utf8))) }
        let shared = secrets.map { SharedSecret($0) }
        switch scheme {
        case .standard: means = .standard(try Self.standard(secrets, tolerance))
        case .github: means = .header(.github, shared)
        case .shopify: means = .header(.shopify, shared)
        case .hmac(let scheme): means = .header(scheme, shared)
        case .stripe: means = .stripe(shared)
        case .slack: means = .slack(shared)
        case .bearer: means = .credentials(.bearer)
        case .basic: means = .credentials(.basic)
        case .jwt: means = .token(try BodyTokenVerifier(secrets: secrets, tolerance: tolerance))
        case .none: means = .none
        }
    }

    /// Verifies a request.
    ///
    /// - Parameters:
    ///   - headers: all headers of the request; their names are compared without regard to case.
    ///   - body: the bytes of the body as they arrived.
    ///   - now: the current time in seconds since 1970.
    public func verify(
        headers: some Sequence<(name: String, value: String)>, body: [UInt8], now: Int64
    ) throws(WebhookVerificationError) -> VerifiedRequest {
        try proof(in: headers, now: now).verify(body: body)
    }

    /// Looks at the head of a request, before its body has come: what the head proves wrong by itself needs no body. Credentials
    /// are judged as a whole here; of a signature everything but whether it fits.
    ///
    /// - Parameters:
    ///   - headers: all headers of the request; their names are compared without regard to case.
    ///   - now: the current time in seconds since 1970.
    /// - Returns: what is to be held against the body.
    public func proof(
        in headers: some Sequence<(name: String, value: String)>, now: Int64
    ) throws(WebhookVerificationError) -> RequestProof {
        let headers = Array(headers)
        switch means {
        case .standard(let verifier):
            return RequestProof(.standard(verifier, try verifier.proof(in: Self.modernNames(headers), now: now)))
        case .header(let scheme, let secrets):
            return RequestProof(.codes(try Self.codes(scheme, secrets, headers)))
        case .stripe(let secrets):
            return RequestProof(
                .codes(try stripe(secrets, HeaderPicker.one(HMACScheme.stripe.header, of: headers), now)))
        case .slack(let secrets):
            return RequestProof(.codes(try slack(secrets, headers, now)))
        case .credentials(let kind):
            guard isSecret(try AuthorizationField(headers, kind: kind).credentials) else {
                throw WebhookVerificationError(.wrongCredentials, "the credentials are wrong")
            }
            return RequestProof(.complete)
        case .token(let verifier):
            return RequestProof(.token(verifier, try AuthorizationField(headers, kind: .bearer).credentials, now: now))
        case .none:
            return RequestProof(.complete)
        }
    }

    /// Whether a text is one of the secrets: for the handshake of a sender that shows one.
    public func isSecret(_ text: [UInt8]) -> Bool {
        let given = Array(SHA256.hash(data: text))
        var fits = false
        for digest in digests where ConstantTime.equal(digest, given[...]) { fits = true }
        return fits
    }

    private static func standard(
        _ secrets: [String], _ tolerance: Duration
    ) throws(WebhookSecretError) -> WebhookVerifier {
        var symmetric: [WebhookSecret] = []
        var keys: [WebhookPublicKey] = []
        for secret in secrets {
            if secret.utf8.starts(with: "whpk_".utf8) {
                keys.append(try WebhookPublicKey(secret))
            } else {
                symmetric.append(try WebhookSecret(secret, byteCounts: WebhookSecret.legacyByteCounts))
            }
        }
        return WebhookVerifier(secrets: symmetric, keys: keys, tolerance: tolerance)
    }

    /// The older names count only where none of the newer ones is there: a request cannot choose between two signatures.
    private static func modernNames(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        let modern = [WebhookHeader.id, WebhookHeader.timestamp, WebhookHeader.signature]
        func isThere(_ field: (name: String, value: String)) -> Bool {
            modern.contains { $0.utf8.count == field.name.utf8.count && $0 == field.name.lowercased() }
        }
        guard !headers.contains(where: isThere) else { return headers }
        return headers.map { field in
            SvixHeader.all.firstIndex(of: field.name.lowercased()).map { (name: modern[$0], value: field.value) }
                ?? field
        }
    }
}

extension RequestVerifier: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The scheme, never a secret.
    public var description: String { "a verifier of \(scheme)" }

    /// The scheme, never a secret.
    public var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// What is known about a request that was verified.
public struct VerifiedRequest: Hashable, Sendable {
    /// The id of the webhook, where the scheme signs one.
    public let id: String?
    /// When it was signed, in seconds since 1970, where the scheme says so.
    public let timestamp: Int64?

    init(id: String? = nil, timestamp: Int64? = nil) {
        self.id = id
        self.timestamp = timestamp
    }
}

// MARK: - Keyed schemes

extension RequestVerifier {
    /// One or several codes in one header, separated by commas, each with the prefix or the first alone.
    private static func codes(
        _ scheme: HMACScheme, _ secrets: [SharedSecret], _ headers: [(name: String, value: String)]
    ) throws(WebhookVerificationError) -> OfferedCodes {
        let prefix = Array((scheme.literalPrefix ?? "").utf8)
        let bytes = Array(try HeaderPicker.one(scheme.header, of: headers).utf8)
        guard bytes.starts(with: prefix) else { throw .noMatch(in: scheme.header) }
        let codes = try limited(bytes.dropFirst(prefix.count).split(separator: UInt8(ascii: ",")), in: scheme.header)
            .map { code in
                let code = code.drop { $0 == UInt8(ascii: " ") }
                return scheme.decoded(code.starts(with: prefix) ? code.dropFirst(prefix.count) : code)
            }
        return OfferedCodes(codes: codes, header: scheme.header, secrets: secrets, algorithm: scheme.algorithm)
    }

    private func stripe(
        _ secrets: [SharedSecret], _ value: String, _ now: Int64
    ) throws(WebhookVerificationError) -> OfferedCodes {
        let header = HMACScheme.stripe.header
        var timestamps: [String] = []
        var codes: [ArraySlice<UInt8>] = []
        for part in Array(value.utf8).split(separator: UInt8(ascii: ",")) {
            let pair = part.drop { $0 == UInt8(ascii: " ") }.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            if pair[0].elementsEqual("t".utf8) { timestamps.append(String(decoding: pair[1], as: UTF8.self)) }
            if pair[0].elementsEqual("v1".utf8) { codes.append(pair[1]) }
        }
        guard let text = timestamps.first, timestamps.count == 1 else {
            throw WebhookVerificationError(.invalidTimestamp, "\(header) does not hold one t=")
        }
        let timestamp = try SignedTime.check(text, of: header, tolerance: tolerance, now: now)
        return OfferedCodes(
            codes: try Self.limited(codes, in: header).map { Hexadecimal.decode($0) }, header: header, secrets: secrets,
            before: Array("\(timestamp).".utf8), timestamp: timestamp)
    }

    private func slack(
        _ secrets: [SharedSecret], _ headers: [(name: String, value: String)], _ now: Int64
    ) throws(WebhookVerificationError) -> OfferedCodes {
        let scheme = HMACScheme.slack
        let value = Array(try HeaderPicker.one(scheme.header, of: headers).utf8)
        let header = scheme.timestampHeader ?? scheme.header
        let timestamp = try SignedTime.check(
            try HeaderPicker.one(header, of: headers), of: header, tolerance: tolerance, now: now)
        guard value.starts(with: "v0=".utf8) else { throw .noMatch(in: scheme.header) }
        return OfferedCodes(
            codes: [Hexadecimal.decode(value.dropFirst(3))], header: scheme.header, secrets: secrets,
            before: Array("v0:\(timestamp):".utf8), timestamp: timestamp)
    }

    private static func limited(
        _ codes: [ArraySlice<UInt8>], in header: String
    ) throws(WebhookVerificationError) -> [ArraySlice<UInt8>] {
        guard codes.count <= WebhookVerifier.maximumSignatures else {
            throw WebhookVerificationError(
                .tooManySignatures, "\(header) holds more than \(WebhookVerifier.maximumSignatures) signatures")
        }
        return codes
    }
}

extension HMACScheme {
    /// Whether the signed content is the body and nothing else, as it must be where a receiver knows nothing else.
    var signsBodyAlone: Bool { content.pieces == [.body] }

    /// The prefix, unless something of the request stands in it.
    var literalPrefix: String? {
        var text = ""
        for piece in prefix.pieces {
            guard case .text(let literal) = piece else { return nil }
            text += literal
        }
        return text
    }

    fileprivate func decoded(_ code: ArraySlice<UInt8>) -> [UInt8]? {
        switch encoding {
        case .hex: Hexadecimal.decode(code)
        case .base64: Base64.decode(code)
        }
    }
}

extension WebhookVerificationError {
    static func noMatch(in header: String) -> Self {
        Self(.noMatchingSignature, "no signature in \(header) fits")
    }
}
