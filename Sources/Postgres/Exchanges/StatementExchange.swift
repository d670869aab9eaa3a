/// One statement, its rows and the number of rows it touched.
final class StatementExchange<Statement: PostgresStatement>: AnswerExchange<(rows: [Statement.Row], affected: Int)>,
    @unchecked Sendable
{
    private let statement: Statement
    private var rows: [Statement.Row] = []
    private var affected = 0

    init(_ statement: Statement, deadline: Deadline, role: TransactionRole = .none) {
        self.statement = statement
        super.init(deadline: deadline, role: role)
    }

    override var output: (rows: [Statement.Row], affected: Int)? { (rows, affected) }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        statement.bind(&parameters)
        try handle.send(statement.sql, parameters)
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
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
