import Courier
import Formats
import Outbox

/// What came of asking a receiver whether it wants what is sent to it. No I/O.
enum VerificationAnswer: Hashable, Sendable {
    /// - Parameter rate: the most requests a second; nil for any number.
    case agreed(rate: Float?)
    /// In words that are safe to show.
    case refused(String)
    /// It was not asked, and has no part in that.
    case notAsked(String)

    /// The most requests a minute that are taken for a limit.
    private static let mostAMinute: Int64 = 60_000_000

    /// - Parameters:
    ///   - challenge: the random text that was sent.
    ///   - origin: as whom it was asked.
    init(_ outcome: CourierOutcome, to verification: Verification, challenge: String, origin: String) {
        switch outcome {
        case .answered(let answer):
            self = verification == .cloudevents ? Self.grant(answer, origin) : Self.echo(answer, challenge)
        case .failed(.proxyError, let detail): self = .notAsked("\(ErrorCode.proxyError.rawValue): \(detail)")
        case .failed(let code, let detail): self = .refused("\(code.rawValue): \(detail)")
        case .notSent, .interrupted: self = .notAsked("the worker stopped")
        }
    }

    /// The answer must hold the challenge: as the value of `challenge` in an object of JSON, or as all of its text.
    private static func echo(_ answer: CourierAnswer, _ challenge: String) -> VerificationAnswer {
        guard AnswerKind(status: answer.status) == .success else {
            let isRedirect = AnswerKind(status: answer.status) == .redirect
            return .refused("it answered \(answer.status)" + (isRedirect ? ", and redirects are not followed" : ""))
        }
        let text = String(decoding: answer.bodyPrefix, as: UTF8.self)
        let isPlain = text.split(whereSeparator: \.isWhitespace) == [challenge[...]]
        guard isPlain || JSONText(answer.bodyPrefix).value(at: ["challenge"])?.plainText == challenge else {
            return .refused("its answer \(answer.status) does not hold the challenge")
        }
        return .agreed(rate: nil)
    }

    /// The status does not matter, by the letter of the specification.
    private static func grant(_ answer: CourierAnswer, _ origin: String) -> VerificationAnswer {
        guard let allowed = answer.allowedOrigin else {
            return .refused("it answered \(answer.status) without WebHook-Allowed-Origin")
        }
        guard allowed == "*" || allowed.lowercased() == origin.lowercased() else {
            return .refused("it allows another origin than \(origin)")
        }
        guard let rate = answer.allowedRate, rate != "*" else { return .agreed(rate: nil) }
        guard let aMinute = DecimalNumber.parse(rate.utf8), aMinute > 0 else {
            return .refused("its WebHook-Allowed-Rate is no number of requests a minute")
        }
        return .agreed(rate: aMinute > mostAMinute ? nil : Float(aMinute) / 60)
    }
}
