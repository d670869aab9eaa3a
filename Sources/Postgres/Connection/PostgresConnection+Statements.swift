internal import Dispatch
internal import Synchronization

extension PostgresConnection {
    /// Runs a statement, in a transaction of its own.
    ///
    /// - Parameter deadline: how long it may take, waiting for earlier calls included.
    /// - Returns: the rows, all of them: give statements that may find many a `LIMIT`.
    package nonisolated func run<Statement: PostgresStatement>(
        _ statement: Statement, deadline: Duration
    ) async throws(PostgresError) -> [Statement.Row] {
        // In this order: once a query has run, the isolation cannot be set.
        let preludes =
            (saysReadCommitted.load(ordering: .acquiring) ? [Self.readCommitted] : [])
            + (statement.isQualified ? [] : [Self.pin])
        let mayBeNamed = statement.isFrequent && !namesNothing.load(ordering: .acquiring)
        return try await perform(
            StatementExchange(statement, after: preludes, mayBeNamed: mayBeNamed, deadline: .after(deadline))
        ).rows
    }

    /// Holds until the end of the transaction that it begins.
    private static let readCommitted = "SET transaction_isolation = 'read committed'"

    /// Lets no name or operator mean something that another role has planted in a schema of the session's search path. Until
    /// the end of the transaction: a pooler hands each transaction to another session. No SET LOCAL: as the first statement
    /// of a pipeline that has the server warn.
    private static let pin = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"

    /// Runs a statement for its effect.
    ///
    /// - Returns: how many rows it inserted, changed, deleted or found.
    @discardableResult
    package nonisolated func execute(
        _ statement: some PostgresStatement, deadline: Duration
    ) async throws(PostgresError) -> Int {
        // Nothing goes before one that is qualified: VACUUM runs in no transaction with others.
        let preludes = statement.isQualified ? [] : [Self.pin]
        return try await perform(StatementExchange(statement, after: preludes, deadline: .after(deadline))).affected
    }

    /// Runs several statements in one round trip and one transaction: all of them take effect or none.
    ///
    /// - Returns: the rows of each.
    /// - Throws: the error of the first statement that failed.
    package nonisolated func pipeline<each Statement: PostgresStatement>(
        _ statements: repeat each Statement, deadline: Duration
    ) async throws(PostgresError) -> (repeat [(each Statement).Row]) {
        try await perform(PipelineExchange(repeat each statements, after: [Self.pin], deadline: .after(deadline)))
    }

    /// Runs a statement that is known only at run time, with the session's search path; for tools and tests.
    ///
    /// - Parameter values: `$1`, `$2`, … as text; the server finds their types.
    package nonisolated func query(
        _ sql: String, _ values: [String?] = [], deadline: Duration
    ) async throws(PostgresError) -> PostgresTable {
        try await perform(TextExchange(sql, values, deadline: .after(deadline)))
    }

    /// Runs the statements of a script, separated by semicolons, in one transaction unless the script says otherwise.
    ///
    /// - Returns: the last result.
    @discardableResult
    package nonisolated func execute(script: String, deadline: Duration) async throws(PostgresError) -> PostgresTable {
        try await perform(ScriptExchange(script, deadline: .after(deadline)))
    }

    /// Hands in an exchange and waits for its answer.
    ///
    /// - Parameter isShielded: goes on when the task is cancelled; the deadline still ends it.
    nonisolated func perform<Output>(
        _ exchange: AnswerExchange<Output>, isShielded: Bool = false
    ) async throws(PostgresError) -> Output {
        let answer: Result<Output, PostgresError>
        if isShielded {
            answer = await handIn(exchange)
        } else {
            answer = await withTaskCancellationHandler {
                await handIn(exchange)
            } onCancel: {
                executor.queue.async { self.assumeIsolated { $0.abandon(exchange) } }
            }
        }
        switch answer {
        case .success(let output): return output
        case .failure(let error): throw error.at(place)
        }
    }

    private nonisolated func handIn<Output>(_ exchange: AnswerExchange<Output>) async -> Result<Output, PostgresError> {
        await unsafe withUnsafeContinuation { continuation in
            unsafe exchange.expect(continuation)
            executor.queue.async { self.assumeIsolated { $0.submit(exchange) } }
        }
    }
}
