/// How a request is signed: in a scheme of Standard Webhooks, or as another system does it.
public enum SignatureScheme: Hashable, Sendable, CustomStringConvertible {
    /// HMAC-SHA256 of Standard Webhooks 1.0.0.
    case v1
    /// Ed25519 of Standard Webhooks 1.0.0.
    case v1a
    /// `X-Hub-Signature-256: sha256=…`.
    case github
    /// `Stripe-Signature: t=…,v1=…`.
    case stripe
    /// `X-Shopify-Hmac-Sha256: …`.
    case shopify
    /// `X-Slack-Signature: v0=…`, and `X-Slack-Request-Timestamp`.
    case slack
    /// The headers of Standard Webhooks under their older names `svix-id`, `svix-timestamp` and `svix-signature`.
    case svix
    /// Any other header with an HMAC.
    case hmac(HMACScheme)

    /// Reads a scheme as the command line and SQL spell it.
    public init(_ text: String) throws(SignatureSchemeError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw SignatureSchemeError("it is longer than \(Self.maximumBytes) bytes")
        }
        switch text {
        case "v1": self = .v1
        case "v1a": self = .v1a
        case "github": self = .github
        case "stripe": self = .stripe
        case "shopify": self = .shopify
        case "slack": self = .slack
        case "svix": self = .svix
        case _ where text.utf8.starts(with: HMACScheme.prefix.utf8): self = .hmac(try HMACScheme(text))
        default: throw SignatureSchemeError("it is none of \(Self.forms)")
        }
    }

    /// The most bytes of a scheme's text.
    public static let maximumBytes = 512

    /// The text that the scheme is read from.
    public var description: String {
        switch self {
        case .v1: "v1"
        case .v1a: "v1a"
        case .github: "github"
        case .stripe: "stripe"
        case .shopify: "shopify"
        case .slack: "slack"
        case .svix: "svix"
        case .hmac(let scheme): scheme.description
        }
    }

    /// The headers that it sends beside those of Standard Webhooks.
    public var headerNames: [String] {
        switch self {
        case .v1, .v1a: []
        case .svix: SvixHeader.all
        case .github, .stripe, .shopify, .slack, .hmac:
            construction.map { [$0.header] + ($0.timestampHeader.map { [$0] } ?? []) } ?? []
        }
    }

    static let forms = "v1, v1a, github, stripe, shopify, slack, svix, \(HMACScheme.form)"

    /// How a scheme that is not of Standard Webhooks makes its signature.
    var construction: HMACScheme? {
        switch self {
        case .v1, .v1a, .svix: nil
        case .github: .github
        case .stripe: .stripe
        case .shopify: .shopify
        case .slack: .slack
        case .hmac(let scheme): scheme
        }
    }
}

/// Why a text is not a signature scheme.
public struct SignatureSchemeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that it breaks, with "it" for the text.
    public let rule: String

    /// The rule.
    public var description: String { rule }

    init(_ rule: String) {
        self.rule = rule
    }
}

/// The older names of the headers of Standard Webhooks.
enum SvixHeader {
    static let id = "svix-id"
    static let timestamp = "svix-timestamp"
    static let signature = "svix-signature"
    static let all = [id, timestamp, signature]
}
