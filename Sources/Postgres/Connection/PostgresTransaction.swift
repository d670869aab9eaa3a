/// An open transaction, lent by ``PostgresConnection/withTransaction(deadline:_:)``.
package struct PostgresTransaction: Sendable {
    private let connection: PostgresConnection
    private let ticket: TransactionTicket

    init(_ connection: PostgresConnection, _ ticket: TransactionTicket) {
        self.connection = connection
        self.ticket = ticket
    }

    package func run<Statement: PostgresStatement>(
        _ statement: Statement, deadline: Duration
    ) async throws(PostgresError) -> [Statement.Row] {
        try await connection.perform(
            StatementExchange(statement, deadline: .after(deadline), role: .within(ticket))
        ).rows
    }

    /// Runs several statements of one kind in one round trip.
    ///
    /// - Returns: the rows of each.
    /// - Throws: the error of the first one that failed, with its place in ``PostgresError/statement``.
    @discardableResult
    package func run<Statement: PostgresStatement>(
        each statements: [Statement], deadline: Duration
    ) async throws(PostgresError) -> [[Statement.Row]] {
        try await connection.perform(
            BatchExchange(statements, deadline: .after(deadline), role: .within(ticket)))
    }

    /// How many rows the statement inserted, changed, deleted or found.
    @discardableResult
    package func execute(_ statement: some PostgresStatement, deadline: Duration) async throws(PostgresError) -> Int {
        try await connection.perform(
            StatementExchange(statement, deadline: .after(deadline), role: .within(ticket))
        ).affected
    }

    package func query(
        _ sql: String, _ values: [String?] = [], deadline: Duration
    ) async throws(PostgresError) -> PostgresTable {
        try await connection.perform(TextExchange(sql, values, deadline: .after(deadline), role: .within(ticket)))
    }

    @discardableResult
    package func execute(script: String, deadline: Duration) async throws(PostgresError) -> PostgresTable {
        try await connection.perform(ScriptExchange(script, deadline: .after(deadline), role: .within(ticket)))
    }
}

extension PostgresConnection {
    /// Runs `body` in a transaction, read committed, that has the connection for itself, commits if it returns and rolls back if it throws.
    ///
    /// Other calls on this connection wait: calling the connection, rather than the transaction, within `body` waits for itself.
    ///
    /// - Parameter deadline: how long BEGIN, and then COMMIT, may take; the statements in between have deadlines of their own.
    /// - Throws: what `body` throws; ``PostgresError/Code/transactionRolledBack`` where `body` swallowed the failure of a
    ///   statement; ``PostgresError/Code/commitOutcomeUnknown`` where it is unknown whether it was committed.
    @discardableResult
    package nonisolated func withTransaction<Result: Sendable>(
        deadline: Duration, _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        let ticket = TransactionTicket()
        // The search path as for single statements.
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path = pg_catalog, pg_temp"
        _ = try await perform(ScriptExchange(begin, deadline: .after(deadline), role: .begins(ticket)))
        let result: Result
        do {
            result = try await body(PostgresTransaction(self, ticket))
            try Task.checkCancellation()
        } catch {
            // Its outcome says nothing more than the error at hand: without an answer the connection is closed, which rolls back too.
            _ = try? await perform(
                ScriptExchange("ROLLBACK", deadline: .after(deadline), role: .ends(ticket)), isShielded: true)
            throw error
        }
        try await commit(ticket, deadline: deadline)
        return result
    }

    private nonisolated func commit(_ ticket: TransactionTicket, deadline: Duration) async throws(PostgresError) {
        let answer: PostgresTable
        do throws(PostgresError) {
            // Not cancelled with the task: a COMMIT that was sent can only be waited for.
            answer = try await perform(
                ScriptExchange("COMMIT", deadline: .after(deadline), role: .ends(ticket)), isShielded: true)
        } catch {
            throw error.ofCommit
        }
        guard answer.commandTag == "COMMIT" else {
            throw PostgresError(
                .transactionRolledBack, "a statement of the transaction had failed, nothing was committed", place: place
            )
        }
    }
}

extension PostgresError {
    /// The same, seen as the end of a transaction.
    ///
    /// The server refusing to commit leaves no doubt, nor does a COMMIT that was never sent; everything else does.
    fileprivate var ofCommit: PostgresError {
        if code == .connectionClosed { return self }
        if code == .server, let report, !report.endsConnection { return self }
        return PostgresError(
            .commitOutcomeUnknown, "whether the transaction was committed is unknown: \(message)", report: report,
            place: place)
    }
}
