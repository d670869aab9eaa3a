/// One statement, its rows and the number of rows it touched.
final class StatementExchange<Statement: PostgresStatement>: AnswerExchange<(rows: [Statement.Row], affected: Int)>,
    @unchecked Sendable
{
    private let statement: Statement
    private let preludes: [String]
    private let mayBeNamed: Bool
    /// How it is sent, and on what.
    private var step = StatementNames.Step.plain
    private var names: StatementNames?
    private var process: Int32 = 0
    /// How many statements go ahead of it, preludes and others, and how many have ended.
    private var ahead = 0
    private var ended = 0
    private var rows: [Statement.Row] = []
    private var affected = 0

    /// - Parameters:
    ///   - preludes: statements that go ahead of it, in one round trip and one transaction.
    ///   - mayBeNamed: whether the server may keep it.
    init(
        _ statement: Statement, after preludes: [String] = [], mayBeNamed: Bool = false, deadline: Deadline,
        role: TransactionRole = .none
    ) {
        self.statement = statement
        self.preludes = preludes
        self.mayBeNamed = mayBeNamed
        super.init(deadline: deadline, role: role)
    }

    override var output: (rows: [Statement.Row], affected: Int)? { (rows, affected) }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        statement.bind(&parameters)
        prepare(handle, types: parameters.types)
        guard ahead > 0 else { return try sendItself(on: handle, parameters) }
        // Before anything is sent: a parameter that cannot be encoded must not leave half a pipeline behind.
        try parameters.check()
        try handle.enterPipeline()
        for prelude in preludes { try handle.send(prelude, PostgresParameters()) }
        switch step {
        case .plain, .use: break
        case .ask: try handle.send(StatementNames.question, PostgresParameters())
        case .keep(let name): try handle.keep(statement.sql, as: name, parameters)
        }
        try sendItself(on: handle, parameters)
        try handle.syncPipeline()
    }

    private func prepare(_ handle: borrowing ConnectionHandle, types: [UInt32]) {
        names = handle.names
        process = handle.process
        step = mayBeNamed ? handle.names.step(for: statement.sql, types: types) : .plain
        ahead =
            switch step {
            case .plain, .use: preludes.count
            case .ask, .keep: preludes.count + 1
            }
    }

    private func sendItself(
        on handle: borrowing ConnectionHandle, _ parameters: borrowing PostgresParameters
    ) throws(PostgresError) {
        switch step {
        case .plain, .ask: try handle.send(statement.sql, parameters)
        case .keep(let name), .use(let name): try handle.send(named: name, parameters)
        }
    }

    /// A pipeline is over when the server says so.
    override func statementEnded() -> Bool {
        ended += 1
        return ahead == 0
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        guard ended < ahead else {
            rows = try result.rows(of: statement)
            affected = result.affectedRows
            return
        }
        guard ended == preludes.count else { return }
        switch step {
        case .plain, .use: break
        case .ask: names?.learned(process: try result.row(0).column(0), saidBefore: process)
        case .keep(let name): names?.kept(statement.sql, as: name)
        }
    }

    override func failed(_ report: ServerReport) -> PostgresError {
        if case .use = step, [.invalidStatementName, .featureNotSupported].contains(report.state) {
            names?.refused(statement.sql)
        }
        return super.failed(report)
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
