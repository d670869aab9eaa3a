/// How the sender of a webhook proves that it is from there: what a receiver has to verify.
public enum SourceScheme: Hashable, Sendable, CustomStringConvertible {
    /// Standard Webhooks 1.0.0, `v1` and `v1a`, under the names `webhook-…` or their older ones, `svix-…`.
    case standard
    /// `X-Hub-Signature-256: sha256=…`.
    case github
    /// `Stripe-Signature: t=…,v1=…`.
    case stripe
    /// `X-Shopify-Hmac-Sha256: …`.
    case shopify
    /// `X-Slack-Signature: v0=…`, and `X-Slack-Request-Timestamp`.
    case slack
    /// Any other header with an HMAC of the body.
    case hmac(HMACScheme)
    /// `Authorization: Bearer` and a token that does not change.
    case bearer
    /// `Authorization: Basic` and `USER:PASSWORD`.
    case basic
    /// `Authorization: Bearer` and a JSON Web Token whose claim `sha256` is the digest of the body.
    case jwt
    /// No proof. Only addresses can say who sends.
    case none

    /// Reads a scheme as the command line and SQL spell it.
    public init(_ text: String) throws(SignatureSchemeError) {
        guard text.utf8.count <= SignatureScheme.maximumBytes else {
            throw SignatureSchemeError("it is longer than \(SignatureScheme.maximumBytes) bytes")
        }
        switch text {
        case "standard": self = .standard
        case "github": self = .github
        case "stripe": self = .stripe
        case "shopify": self = .shopify
        case "slack": self = .slack
        case "bearer": self = .bearer
        case "basic": self = .basic
        case "jwt": self = .jwt
        case "none": self = .none
        case _ where text.utf8.starts(with: HMACScheme.prefix.utf8):
            let scheme = try HMACScheme(text)
            guard scheme.signsBodyAlone, scheme.literalPrefix != nil else {
                throw SignatureSchemeError("it signs more than the body; a source takes \(Self.hmacForm)")
            }
            self = .hmac(scheme)
        default: throw SignatureSchemeError("it is none of \(Self.forms)")
        }
    }

    /// The text that the scheme is read from.
    public var description: String {
        switch self {
        case .standard: "standard"
        case .github: "github"
        case .stripe: "stripe"
        case .shopify: "shopify"
        case .slack: "slack"
        case .hmac(let scheme): scheme.description
        case .bearer: "bearer"
        case .basic: "basic"
        case .jwt: "jwt"
        case .none: "none"
        }
    }

    private static let hmacForm = "hmac:HEADER,ALGORITHM,ENCODING[,PREFIX]"
    private static let forms =
        "standard, github, stripe, shopify, slack, \(hmacForm), bearer, basic, jwt, none"
}
