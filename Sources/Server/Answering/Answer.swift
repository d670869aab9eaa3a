import Formats
import HTTPTypes
import Inbox
import NIOHTTP1
import Webhooks

/// What a sender is answered.
struct Answer: Sendable {
    var status: Int
    var body: String
    var contentType = "application/json"
    var fields: [(name: HTTPField.Name, value: String)] = []

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
            answer.add("WebHook-Allowed-Origin", origin)
            if let rate { answer.add("WebHook-Allowed-Rate", rate) }
            answer.fields.append((.allow, "POST"))
            return answer
        }
    }

    /// - Parameters:
    ///   - scheme: of the source, for what a 401 has to say.
    ///   - wait: for how long a 429 asks.
    static func refused(_ refusal: Refusal, scheme: SourceScheme? = nil, wait: Duration? = nil) -> Answer {
        var answer = Answer(status: refusal.status, body: #"{"error":"\#(refusal.rawValue)"}"# + "\n")
        switch refusal.status {
        case 401: answer.fields.append((.wwwAuthenticate, scheme?.challenge ?? "Signature"))
        case 405: answer.fields.append((.allow, "POST, OPTIONS"))
        case 429, 503:
            let seconds = (wait ?? retryAfter).components.seconds
            answer.fields.append((.retryAfter, String(max(1, seconds + (wait == nil ? 0 : 1)))))
        default: break
        }
        return answer
    }

    private mutating func add(_ name: String, _ value: String) {
        if let name = HTTPField.Name(name) { fields.append((name, value)) }
    }

    /// - Parameter closes: whether the connection ends with it.
    func head(closes: Bool) -> HTTPResponse {
        var head = HTTPResponse(status: HTTPResponse.Status(code: status))
        for field in lines(closes: closes) { head.headerFields[field.name] = field.value }
        return head
    }

    /// The same as SwiftNIO has it: without the way through other types, which costs more than the answer.
    func plainHead(closes: Bool) -> HTTPResponseHead {
        HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status),
            headers: HTTPHeaders(lines(closes: closes).map { ($0.name.rawName, $0.value) }))
    }

    private func lines(closes: Bool) -> [(name: HTTPField.Name, value: String)] {
        var lines: [(name: HTTPField.Name, value: String)] = []
        // RFC 9110 section 8.6: no length where there is no content.
        if status != 204 {
            lines = [(.contentType, contentType), (.contentLength, String(body.utf8.count))]
        }
        lines.append((.cacheControl, "no-store"))
        lines.append((.xContentTypeOptions, "nosniff"))
        if closes { lines.append((.connection, "close")) }
        return lines + fields
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
