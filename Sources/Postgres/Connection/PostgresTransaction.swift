/// A transaction under way, lent by ``PostgresConnection/withTransaction(deadline:_:)``.
package struct PostgresTransaction: Sendable {
    private let connection: PostgresConnection
    private let ticket: TransactionTicket

    init(_ connection: PostgresConnection, _ ticket: TransactionTicket) {
        self.connection = connection
        self.ticket = ticket
    }

    /// Runs a statement and returns its rows.
    package func run<Statement: PostgresStatement>(
        _ statement: Statement, deadline: Duration
    ) async throws(PostgresError) -> [Statement.Row] {
        try await connection.perform(
            StatementExchange(statement, deadline: .after(deadline), role: .within(ticket))
        ).rows
    }

    /// Runs a statement and returns how many rows it inserted, changed, deleted or found.
    @discardableResult
    package func execute(_ statement: some PostgresStatement, deadline: Duration) async throws(PostgresError) -> Int {
        try await connection.perform(
            StatementExchange(statement, deadline: .after(deadline), role: .within(ticket))
        ).affected
    }

    /// Runs several statements in one round trip.
    package func pipeline<each Statement: PostgresStatement>(
        _ statements: repeat each Statement, deadline: Duration
    ) async throws(PostgresError) -> (repeat [(each Statement).Row]) {
        try await connection.perform(
            PipelineExchange(repeat each statements, deadline: .after(deadline), role: .within(ticket)))
    }

    /// Runs a statement that is known only at run time.
    package func query(
        _ sql: String, _ values: [String?] = [], deadline: Duration
    ) async throws(PostgresError) -> PostgresTable {
        try await connection.perform(TextExchange(sql, values, deadline: .after(deadline), role: .within(ticket)))
    }

    /// Runs the statements of a script.
    @discardableResult
    package func execute(script: String, deadline: Duration) async throws(PostgresError) -> PostgresTable {
        try await connection.perform(ScriptExchange(script, deadline: .after(deadline), role: .within(ticket)))
    }
}
