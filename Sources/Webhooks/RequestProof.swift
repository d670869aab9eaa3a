/// What a request offers as its proof, as far as its head tells; made by ``RequestVerifier/proof(in:now:)``.
public struct RequestProof: Sendable {
    enum Content: Sendable {
        case standard(WebhookVerifier, WebhookProof)
        case codes(OfferedCodes)
        case token(BodyTokenVerifier, [UInt8], now: Int64)
        /// The body has no part in it.
        case complete
    }

    private let content: Content

    init(_ content: Content) {
        self.content = content
    }

    /// Holds it against the body, exactly as it arrived.
    public func verify(body: [UInt8]) throws(WebhookVerificationError) -> VerifiedRequest {
        switch content {
        case .standard(let verifier, let proof):
            let verified = try verifier.verify(proof, body: body)
            return VerifiedRequest(id: verified.id, timestamp: verified.timestamp)
        case .codes(let offered):
            guard offered.fit(body) else { throw .noMatch(in: offered.header) }
            return VerifiedRequest(timestamp: offered.timestamp)
        case .token(let verifier, let token, let now):
            return try verifier.verify(token, body: body, now: now)
        case .complete:
            return VerifiedRequest()
        }
    }
}

extension RequestProof: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never a secret.
    public var description: String { "a proof" }

    /// Never a secret.
    public var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// The codes that stand in a header, one of which has to be the HMAC of what is signed.
struct OfferedCodes: Sendable {
    /// Nil for one that is none.
    let codes: [[UInt8]?]
    let header: String
    let secrets: [SharedSecret]
    var algorithm = HMACAlgorithm.sha256
    /// What is signed before the body.
    var before: [UInt8] = []
    var timestamp: Int64?

    /// Compares every code with every secret's, all of them to the end.
    func fit(_ body: [UInt8]) -> Bool {
        var fits = false
        for secret in secrets {
            let expected = body.withUnsafeBytes { algorithm.code(key: secret.key, before, $0, []) }
            for case let code? in codes where ConstantTime.equal(expected, code[...]) { fits = true }
        }
        return fits
    }
}
