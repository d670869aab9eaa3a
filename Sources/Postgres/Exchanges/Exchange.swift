internal import CLibPQ

/// One question to the server and its answer: what is sent, what is read of the results, who waits for it.
///
/// Made by the caller, then confined to the queue of the connection it is given to; therefore `@unchecked Sendable`.
class Exchange: @unchecked Sendable {
    /// How far it is.
    enum Stage {
        /// Not handed in yet. Then: waiting, over.
        case fresh
        /// In the queue of the connection. Then: sent, over.
        case waiting
        /// With the server. Then: cancelling, over.
        case sent
        /// The server has been asked to cancel it, has until then to do so, and is asked again meanwhile. Then: over.
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

    /// The error for what the server reported about the statement under way.
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
