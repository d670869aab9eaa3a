import Courier
import Outbox
import OutboxStore

extension PollEnd {
    /// Until it is asked again where it could not be, and no one told why.
    private static let shortPause = Duration.seconds(1)
    /// The same while the proxy fails.
    static let proxyPause = Duration.seconds(30)

    /// What came of a poll. No I/O.
    init(_ result: CourierResult, of poll: DuePoll) {
        self.init(poll: poll)
        address = result.remoteAddress?.description
        switch result.outcome {
        case .answered(let answer): take(answer)
        case .failed(.proxyError, let detail):
            (wasAsked, pause) = (false, Self.proxyPause)
            error = "\(ErrorCode.proxyError.rawValue): \(detail)"
        case .failed(let code, let detail): error = "\(code.rawValue): \(detail)"
        case .notSent(.tooLate): (wasAsked, pause) = (false, Self.shortPause)
        // A question may be asked twice.
        case .notSent(.cancelled), .interrupted: wasAsked = false
        }
    }

    /// It cannot be asked as it is stored, or not by this process. Both are told, and tried again like any other failure.
    init(_ obstacle: SendingObstacle, of poll: DuePoll) {
        self.init(poll: poll)
        error = "\(obstacle.errorCode.rawValue): \(obstacle.message)"
    }

    private mutating func take(_ answer: CourierAnswer) {
        status = Int32(exactly: answer.status)
        switch AnswerKind(status: answer.status) {
        case .success where answer.truncated:
            error =
                "\(ErrorCode.responseTooLarge.rawValue): the answer broke off, or is longer than \(PollRequest.mostBytes) bytes"
        case .success: body = answer.bodyPrefix
        case .redirect:
            error =
                "\(ErrorCode.redirect.rawValue): it answered \(answer.status), and redirects are not followed"
        default: error = "\(ErrorCode.httpStatus.rawValue): it answered \(answer.status)"
        }
    }
}
