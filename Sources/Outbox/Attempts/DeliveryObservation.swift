/// What a worker saw of a delivery that it had claimed: everything that can happen to one.
package enum DeliveryObservation: Hashable, Sendable {
    /// The head of an answer arrived. Whether the body was complete does not matter.
    ///
    /// `retryAfter` holds the values of all `Retry-After` headers as they came, `directive` what `webhook-delivery` asks.
    case answered(status: Int, retryAfter: [String], directive: ReceiverDirective? = nil)
    /// The courier tried and got no answer. The detail is for operators; it never holds a secret or a payload.
    case failed(ErrorCode, detail: String)
    /// The worker stopped while the request was in flight: the endpoint may have got it.
    case interrupted
    /// The courier sent nothing, through no fault of the endpoint.
    case notSent
    /// The endpoint or the event as it is stored cannot be sent.
    case unsendable(SendingObstacle)
    /// This worker cannot send it, and another one may: the delivery is left to that one.
    case heldBack
    /// The event is gone, so there is nothing to send.
    case eventMissing
    /// The attempts that the endpoint allows were all made: the worker of the last one never reported, or the schedule was shortened
    /// since.
    case noneLeft
    /// The number of this attempt is the last one that the database can keep.
    case numbersUsedUp
    /// The event expired before this attempt began.
    case expired
    /// The endpoint's settings do not want it. The text says why.
    case filtered(String)
    /// An operator cancelled the delivery while an earlier attempt held its lease.
    case cancelled

    /// Why the attempt failed; nil when it succeeded, and when there was none.
    package var errorCode: ErrorCode? {
        switch self {
        case .answered(let status, _, _): AnswerKind(status: status).errorCode
        case .failed(let code, _): code
        case .interrupted, .numbersUsedUp: .internalError
        case .unsendable(let obstacle): obstacle.errorCode
        case .eventMissing: .eventMissing
        case .notSent, .heldBack, .expired, .filtered, .cancelled, .noneLeft: nil
        }
    }

    /// The same for a person.
    package var message: String? {
        switch self {
        case .answered(let status, _, _): errorCode == nil ? nil : "the endpoint answered \(status)"
        case .failed(_, let detail): detail
        case .interrupted: "the worker was stopped before the answer was in"
        case .unsendable(let obstacle): obstacle.message
        case .eventMissing: "the event is gone"
        case .numbersUsedUp: "the delivery has used up its attempt numbers; publish the event again"
        case .notSent, .heldBack, .expired, .filtered, .cancelled, .noneLeft: nil
        }
    }

    /// The status as the database keeps it, or nil: there was no answer, or its status is no HTTP status.
    package var httpStatus: Int16? {
        guard case .answered(let status, _, _) = self, AnswerKind(status: status) != .malformed else { return nil }
        return Int16(exactly: status)
    }
}

/// What the status of an answer says.
package enum AnswerKind: Hashable, Sendable {
    /// 2xx: the endpoint took the event.
    case success
    /// 410: the endpoint wants no more events at all (Standard Webhooks 1.0.0).
    case gone
    /// 3xx; redirects are never followed.
    case redirect
    /// Any other status of HTTP.
    case refusal
    /// No status of HTTP.
    case malformed

    package init(status: Int) {
        self =
            switch status {
            case 200...299: .success
            case 300...399: .redirect
            case 410: .gone
            case 100...999: .refusal
            default: .malformed
            }
    }

    package var errorCode: ErrorCode? {
        switch self {
        case .success: nil
        case .gone, .refusal: .httpStatus
        case .redirect: .redirect
        case .malformed: .protocolError
        }
    }
}
