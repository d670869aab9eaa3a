extension Exchange {
    /// What the caller is told when all results are in: `nil` for success, even if it came after a cancel request.
    var outcome: PostgresError? {
        guard case .cancelling(let why, _, _) = stage, let failure, failure.sqlState == .queryCanceled else {
            return failure
        }
        return .abandoned(why, "the server has cancelled the statement", failure.report)
    }

    /// What the caller is told when the connection ends under it.
    func outcome(onClose why: PostgresError) -> PostgresError {
        switch stage {
        case .cancelling(let code, _, _):
            .abandoned(code, "the connection was closed, whether the statement took effect is unknown", failure?.report)
        default:
            failure ?? PostgresError(.connectionLost, why.message, report: why.report)
        }
    }
}

extension PostgresError {
    /// The deadline has passed, or the task was cancelled.
    static func abandoned(_ code: Code, _ then: String, _ report: ServerReport?) -> PostgresError {
        let what = code == .cancelled ? "cancelled" : "the deadline has passed"
        return PostgresError(code, "\(what); \(then)", report: report)
    }

    /// The deadline has passed while earlier calls were under way.
    static var overdueBeforeSent: PostgresError {
        abandoned(.deadlineExceeded, "nothing was sent, the connection was busy", nil)
    }

    /// The connection was gone before the statement was sent.
    static func closedBefore(_ why: PostgresError) -> PostgresError {
        PostgresError(.connectionClosed, "the connection has ended: \(why.message)", report: why.report)
    }
}
