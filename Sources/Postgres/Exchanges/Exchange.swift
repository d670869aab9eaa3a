internal import CLibPQ

/// One question to the server and its answer: what is sent, what is read of the results, which call waits for it.
///
/// Made by the caller, then confined to the queue of the connection it is given to; therefore `@unchecked Sendable`.
class Exchange: @unchecked Sendable {
    enum Stage {
        /// Not handed in yet. Then: waiting, over.
        case fresh
        /// In the queue of the connection. Then: sent, over.
        case waiting
        /// With the server. Then: cancelling, over.
        case sent
        /// The server has been asked to cancel it, has until `until` to do so, and is asked again from time to time. Then: over.
        case cancelling(why: PostgresError.Code, until: Deadline, again: Deadline)
        /// The caller has its answer.
        case over
    }

    let deadline: Deadline
    /// The part it plays in a transaction.
    let role: TransactionRole
    var stage = Stage.fresh
    /// Its caller was cancelled before it was handed in.
    var isUnwanted = false
    /// The first thing that went wrong.
    private(set) var failure: PostgresError?
    /// The connection cannot be used afterwards.
    private(set) var endsConnection = false

    init(deadline: Deadline, role: TransactionRole = .none) {
        self.deadline = deadline
        self.role = role
    }

    /// Hands the statement to libpq.
    func send(on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters) throws(PostgresError) {
    }

    /// Reads a result that is no error.
    func read(_ result: borrowing ResultHandle) throws(PostgresError) {}

    /// A statement has no more results. Whether that ends the exchange.
    func statementEnded() -> Bool { true }

    /// Gives the caller its answer; called once.
    func answer(_ failure: PostgresError?) {}

    /// Takes the next result.
    ///
    /// - Returns: whether the exchange is over.
    final func take(_ result: borrowing ResultHandle) -> Bool {
        switch result.status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            guard failure == nil else { return false }
            do throws(PostgresError) { try read(result) } catch { fail(error) }
        case PGRES_PIPELINE_SYNC:
            return true
        case PGRES_PIPELINE_ABORTED:
            break
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            fail(PostgresError(.unexpectedResult, "COPY is not provided for"))
            endsConnection = true
            return true
        default:
            let report = result.report
            endsConnection = endsConnection || report.endsConnection
            fail(failed(report))
        }
        return false
    }

    /// The error for what the server reported about the statement that ran.
    func failed(_ report: ServerReport) -> PostgresError { PostgresError(report) }

    final func fail(_ error: PostgresError) {
        failure = failure ?? error
    }

    final func finish(_ error: PostgresError?) {
        guard case .over = stage else {
            stage = .over
            return answer(error)
        }
    }
}

/// Tells one transaction from another.
final class TransactionTicket: Sendable {}

/// The part an exchange plays in a transaction that holds the connection for itself.
enum TransactionRole {
    case none
    case begins(TransactionTicket)
    case within(TransactionTicket)
    case ends(TransactionTicket)

    /// Whether it ends the transaction, and must therefore not be left out.
    var isEnd: Bool { if case .ends = self { true } else { false } }
}

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

    static var overdueBeforeSent: PostgresError {
        abandoned(.deadlineExceeded, "nothing was sent, the connection was busy", nil)
    }

    static func closedBefore(_ why: PostgresError) -> PostgresError {
        PostgresError(.connectionClosed, "the connection has ended: \(why.message)", report: why.report)
    }
}

/// Ends a transaction that was left open; no caller waits for it.
final class RollbackExchange: Exchange, @unchecked Sendable {
    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        try handle.send(script: "ROLLBACK")
    }
}

/// An exchange whose caller waits for the answer.
///
/// Safe although the continuation is not checked: ``Exchange/finish(_:)`` answers once, and so does every way an exchange ends.
@safe
class AnswerExchange<Output: Sendable>: Exchange, @unchecked Sendable {
    private var continuation: UnsafeContinuation<Result<Output, PostgresError>, Never>?

    /// What has been read, once all of it has.
    var output: Output? { nil }

    final func expect(_ continuation: UnsafeContinuation<Result<Output, PostgresError>, Never>) {
        unsafe self.continuation = unsafe continuation
    }

    final override func answer(_ failure: PostgresError?) {
        let waiting = unsafe continuation
        unsafe continuation = nil
        if let failure {
            unsafe waiting?.resume(returning: .failure(failure))
        } else if let output {
            unsafe waiting?.resume(returning: .success(output))
        } else {
            unsafe waiting?.resume(returning: .failure(PostgresError(.unexpectedResult, "the server sent no result")))
        }
    }
}
