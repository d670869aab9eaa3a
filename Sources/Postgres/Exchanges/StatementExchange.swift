/// One statement, its rows and the number of rows it touched.
final class StatementExchange<Statement: PostgresStatement>: AnswerExchange<(rows: [Statement.Row], affected: Int)>,
    @unchecked Sendable
{
    private let statement: Statement
    private let preludes: [String]
    /// How many statements have ended.
    private var ended = 0
    private var rows: [Statement.Row] = []
    private var affected = 0

    /// - Parameter preludes: statements that go ahead of it, in one round trip and one transaction.
    init(_ statement: Statement, after preludes: [String] = [], deadline: Deadline, role: TransactionRole = .none) {
        self.statement = statement
        self.preludes = preludes
        super.init(deadline: deadline, role: role)
    }

    override var output: (rows: [Statement.Row], affected: Int)? { (rows, affected) }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        statement.bind(&parameters)
        guard !preludes.isEmpty else { return try handle.send(statement.sql, parameters) }
        // Before anything is sent: a parameter that cannot be encoded must not leave half a pipeline behind.
        try parameters.check()
        try handle.enterPipeline()
        for prelude in preludes { try handle.send(prelude, PostgresParameters()) }
        try handle.send(statement.sql, parameters)
        try handle.syncPipeline()
    }

    /// A pipeline is over when the server says so.
    override func statementEnded() -> Bool {
        ended += 1
        return preludes.isEmpty
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        guard ended == preludes.count else { return }
        rows = try result.rows(of: statement)
        affected = result.affectedRows
    }
}

extension ResultHandle {
    /// Reads all rows.
    func rows<Statement: PostgresStatement>(of statement: Statement) throws(PostgresError) -> [Statement.Row] {
        let count = rowCount
        guard count > 0 else { return [] }
        var rows: [Statement.Row] = []
        rows.reserveCapacity(Int(count))
        for index in 0..<count {
            rows.append(try statement.decode(row(index)))
        }
        return rows
    }
}
