package import Courier
import Formats
import Outbox

/// What became of asking for a token. No I/O.
package enum TokenAnswer: Hashable, Sendable {
    /// - Parameter lifetime: how long the server says that it is valid.
    case token(String, lifetime: Duration)
    /// In words that hold no secret.
    case refused(String)
    /// The proxy that all requests go through has failed.
    case proxyFailed(String)
    /// The worker stopped before the answer was in, or there was no time to ask.
    case notAsked

    /// What a server means that does not say how long its token is valid.
    static let usualLifetime = Duration.seconds(300)
    /// The longest that is believed.
    static let longestLifetime = Duration.seconds(86_400)
    /// The longest token, in bytes: the head of a request has a limit.
    static let mostBytes = 8 * 1024

    package init(_ outcome: CourierOutcome) {
        switch outcome {
        case .answered(let answer): self = Self.read(answer)
        case .failed(.proxyError, let detail): self = .proxyFailed(detail)
        case .failed(let code, let detail): self = .refused("the token server: \(code.rawValue): \(detail)")
        case .notSent, .interrupted: self = .notAsked
        }
    }

    private static func read(_ answer: CourierAnswer) -> TokenAnswer {
        let json = JSONText(answer.bodyPrefix)
        func text(_ name: String) -> String { json.value(at: [name])?.plainText ?? "" }
        guard answer.status == 200 else {
            // RFC 6749 section 5.2 has a word for the reason.
            let reason = text("error")
            let isWord = !reason.isEmpty && reason.utf8.count <= 40 && reason.utf8.allSatisfy(isWordCharacter)
            return .refused("the token server answered \(answer.status)" + (isWord ? " \(reason)" : ""))
        }
        let token = text("access_token")
        guard !token.isEmpty, token.utf8.count <= mostBytes, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            return .refused(
                answer.truncated
                    ? "the answer of the token server is larger than the limit"
                    : "the answer of the token server holds no access_token")
        }
        let kind = text("token_type")
        guard kind.isEmpty || kind.lowercased() == "bearer" else {
            return .refused("the token of the token server is no bearer token")
        }
        let seconds = DecimalNumber.parse(text("expires_in").utf8.prefix { $0 != UInt8(ascii: ".") }, maximumDigits: 12)
        return .token(token, lifetime: min(seconds.map { .seconds($0) } ?? usualLifetime, longestLifetime))
    }

    private static func isWordCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
    }
}
