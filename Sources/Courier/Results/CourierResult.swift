package import Outbox

/// What became of one request, and what is worth recording about it.
package struct CourierResult: Sendable {
    /// The request, the very object that was submitted.
    package var request: any CourierRequest
    /// When the courier began with it.
    package var startedAt: ContinuousClock.Instant
    package var outcome: CourierOutcome
    /// The address that was connected to, or tried last; nil when none was.
    package var remoteAddress: IPAddress?
    /// The address that the policy forbids, when that is why the attempt failed. For the operator's log, never for the
    /// endpoint's owner: it would tell about the network that the worker is in.
    package var blockedAddress: IPAddress?
    package var timings: CourierTimings

    package init(
        request: any CourierRequest, startedAt: ContinuousClock.Instant, outcome: CourierOutcome,
        remoteAddress: IPAddress? = nil,
        blockedAddress: IPAddress? = nil, timings: CourierTimings = CourierTimings()
    ) {
        self.request = request
        self.startedAt = startedAt
        self.outcome = outcome
        self.remoteAddress = remoteAddress
        self.blockedAddress = blockedAddress
        self.timings = timings
    }
}

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
    /// No byte of the request was sent: it can be sent again without a duplicate.
    case notSent(NotSentReason)
    /// The pool was told to stop after the request may have gone out and before an answer was in.
    case interrupted
}

/// An answer whose head was complete, successful or not.
package struct CourierAnswer: Hashable, Sendable {
    /// The status of the final head: 101 or 200...999.
    package var status: Int
    /// The values of the head's `Retry-After` lines as they came, at most `AnswerHead.maximumRetryAfterLines`.
    package var retryAfter: [String]
    /// Where a redirect points to, at most `AnswerHead.maximumLocationBytes` of it.
    package var location: String?
    /// What the receiver asks for in `webhook-delivery`.
    package var directive: ReceiverDirective?
    /// Whom the receiver lets send to it, and how often (CloudEvents, `WebHook-Allowed-…`).
    package var allowedOrigin: String?
    package var allowedRate: String?
    /// The beginning of the body, at most `AnswerBody.keptBytes`, never decompressed.
    package var bodyPrefix: [UInt8]
    /// Whether `bodyPrefix` is less than the whole body, or the body broke off.
    package var truncated: Bool

    package init(
        status: Int, retryAfter: [String] = [], location: String? = nil, directive: ReceiverDirective? = nil,
        allowedOrigin: String? = nil, allowedRate: String? = nil,
        bodyPrefix: [UInt8] = [], truncated: Bool = false
    ) {
        self.status = status
        self.retryAfter = retryAfter
        self.location = location
        self.directive = directive
        self.allowedOrigin = allowedOrigin
        self.allowedRate = allowedRate
        self.bodyPrefix = bodyPrefix
        self.truncated = truncated
    }
}

/// Where the time of one transfer went, in microseconds.
package struct CourierTimings: Hashable, Sendable {
    /// Waiting for the name to be resolved; almost 0 when the answer was known.
    package var nameLookup: Int64 = 0
    /// Making the TCP connection; 0 when one was reused.
    package var connect: Int64 = 0
    /// The TLS handshake; 0 when there was none.
    package var tls: Int64 = 0
    /// From the connection being ready to the first byte of the answer.
    package var firstByte: Int64 = 0
    /// Everything, from the courier taking the request up to the end.
    package var total: Int64 = 0
    /// Whether an idle connection was reused.
    package var reusedConnection = false

    package init() {}
}
