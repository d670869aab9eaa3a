import Doors
import Inbox
import Webhooks

/// What senders to the inbox are answered.
extension Answer {
    /// How long a sender should wait that is told nothing better.
    static let retryAfter = Duration.seconds(5)

    /// The request is stored.
    static func stored(_ id: Int64, isNew: Bool) -> Answer {
        Answer(status: 200, body: #"{"id":\#(id),"duplicate":\#(!isNew)}"# + "\n")
    }

    static func handshake(_ handshake: Handshake) -> Answer {
        switch handshake {
        case .text(let text):
            return Answer(status: 200, body: text, contentType: "text/plain; charset=utf-8")
        case .allowed(let origin, let rate):
            var answer = Answer(status: 200, body: "", contentType: "text/plain; charset=utf-8")
            answer.fields.append(("WebHook-Allowed-Origin", origin))
            if let rate { answer.fields.append(("WebHook-Allowed-Rate", rate)) }
            answer.fields.append(("Allow", "POST"))
            return answer
        }
    }

    /// - Parameters:
    ///   - scheme: of the source, for what a 401 has to say.
    ///   - wait: for how long a 429 asks.
    static func refused(_ refusal: Refusal, scheme: SourceScheme? = nil, wait: Duration? = nil) -> Answer {
        var answer = Answer(status: refusal.status, body: #"{"error":"\#(refusal.rawValue)"}"# + "\n")
        switch refusal.status {
        case 401: answer.fields.append(("WWW-Authenticate", scheme?.challenge ?? "Signature"))
        case 405: answer.fields.append(("Allow", "POST, OPTIONS"))
        case 429, 503:
            let seconds = (wait ?? retryAfter).components.seconds
            answer.fields.append(("Retry-After", String(max(1, seconds + (wait == nil ? 0 : 1)))))
        default: break
        }
        return answer
    }
}

extension SourceScheme {
    /// What a 401 says of how to prove oneself (RFC 9110 section 11.6.1).
    fileprivate var challenge: String {
        switch self {
        case .bearer, .jwt: "Bearer"
        case .basic: #"Basic realm="inbox""#
        case .standard, .github, .stripe, .shopify, .slack, .hmac, .none: "Signature"
        }
    }
}
