/// What the sender saw of one attempt.
package enum AttemptObservation: Hashable, Sendable {
    /// The head of an answer arrived. Whether the body was complete does not matter.
    ///
    /// `retryAfter` holds the values of all `Retry-After` headers as they came.
    case answered(status: Int, retryAfter: [String])
    /// No answer arrived, or nothing was sent. The detail is for operators; it never holds a secret or a payload.
    case failed(ErrorCode, detail: String)

    /// The status as the database keeps it, or nil: there was no answer, or its status is no HTTP status.
    package var httpStatus: Int16? {
        guard case .answered(let status, _) = self, (100...999).contains(status) else { return nil }
        return Int16(exactly: status)
    }

    /// The error that this observation is, or nil when the endpoint took the event.
    package var errorCode: ErrorCode? {
        switch self {
        case .answered(let status, _): Self.errorCode(status: status)
        case .failed(let code, _): code
        }
    }

    private static func errorCode(status: Int) -> ErrorCode? {
        switch status {
        case 200...299: nil
        case 300...399: .redirect
        case 100...999: .httpStatus
        default: .protocolError
        }
    }
}
