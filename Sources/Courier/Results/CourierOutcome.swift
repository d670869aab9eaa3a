package import Outbox

/// What became of one request.
package enum CourierOutcome: Hashable, Sendable {
    /// Why nothing was sent, through no fault of the endpoint.
    package enum NotSentReason: Hashable, Sendable {
        /// `mustStartBefore` had passed.
        case tooLate
        /// The pool was told to stop before the request went out.
        case cancelled
    }

    /// The head of an answer came in completely.
    case answered(CourierAnswer)
    /// The attempt failed. `detail` is short, holds no secret, no address and no part of the URL.
    case failed(ErrorCode, detail: String)
    /// No byte of the request was sent: whoever gave it may send it again without a duplicate.
    case notSent(NotSentReason)
    /// The pool was told to stop after the request may have gone out and before an answer was in.
    case interrupted
}
