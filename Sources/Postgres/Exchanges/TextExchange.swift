/// One statement that is known only at run time, with text in and text out.
final class TextExchange: AnswerExchange<PostgresTable>, @unchecked Sendable {
    private let sql: String
    private let values: [String?]
    private var table = PostgresTable()

    init(_ sql: String, _ values: [String?], deadline: Deadline, role: TransactionRole = .none) {
        self.sql = sql
        self.values = values
        super.init(deadline: deadline, role: role)
    }

    override var output: PostgresTable? { table }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        for value in values { parameters.append(untyped: value) }
        try handle.send(sql, parameters, binary: false)
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        table = PostgresTable(result)
    }
}

/// Statements sent together by the simple protocol; all results are text.
final class ScriptExchange: AnswerExchange<PostgresTable>, @unchecked Sendable {
    private let script: String
    private var table = PostgresTable()

    init(_ script: String, deadline: Deadline, role: TransactionRole = .none) {
        self.script = script
        super.init(deadline: deadline, role: role)
    }

    /// The last result.
    override var output: PostgresTable? { table }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        try handle.send(script: script)
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        table = PostgresTable(result)
    }
}
