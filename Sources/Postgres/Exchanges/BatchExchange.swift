/// Several statements of one kind in one round trip of a transaction. When one fails, those behind it are left out, and the error has its
/// place.
final class BatchExchange<Statement: PostgresStatement>: AnswerExchange<[[Statement.Row]]>, @unchecked Sendable {
    private let statements: [Statement]
    private var rows: [[Statement.Row]] = []
    /// How many statements have ended.
    private var ended = 0

    init(_ statements: [Statement], deadline: Deadline, role: TransactionRole) {
        self.statements = statements
        super.init(deadline: deadline, role: role)
    }

    override var output: [[Statement.Row]]? { rows }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        // Bound before anything is sent: a parameter that cannot be encoded must not leave half a pipeline behind.
        var bound: [PostgresParameters] = []
        for (place, statement) in statements.enumerated() {
            var parameters = PostgresParameters()
            statement.bind(&parameters)
            do throws(PostgresError) { try parameters.check() } catch { throw error.ofStatement(at: place) }
            bound.append(parameters)
        }
        try handle.enterPipeline()
        for (statement, parameters) in zip(statements, bound) { try handle.send(statement.sql, parameters) }
        try handle.syncPipeline()
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        guard statements.indices.contains(ended) else { return }
        rows.append(try result.rows(of: statements[ended]))
    }

    override func failed(_ report: ServerReport) -> PostgresError { super.failed(report).ofStatement(at: ended) }

    override func statementEnded() -> Bool {
        ended += 1
        return false
    }
}
