/// Several statements in one round trip and one implicit transaction: all of them take effect or none.
final class PipelineExchange<each Statement: PostgresStatement>:
    AnswerExchange<(repeat [(each Statement).Row])>, @unchecked Sendable
{
    private let statements: (repeat each Statement)
    private let parts: (repeat PipelinePart<each Statement>)
    private let readers: [any PipelineReader]
    private let preludes: [String]
    /// The place of the statement whose results come; negative for preludes.
    private var index: Int

    /// - Parameter preludes: statements that go ahead, and whose results are left out.
    init(_ statements: repeat each Statement, after preludes: [String] = [], deadline: Deadline) {
        let parts = (repeat PipelinePart<each Statement>(each statements))
        var readers: [any PipelineReader] = []
        for part in repeat each parts { readers.append(part) }
        self.statements = (repeat each statements)
        self.parts = parts
        self.readers = readers
        self.preludes = preludes
        self.index = -preludes.count
        super.init(deadline: deadline)
    }

    override var output: (repeat [(each Statement).Row])? { (repeat (each parts).rows) }

    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        // Bound before anything is sent: a parameter that cannot be encoded must not leave half a pipeline behind.
        var bound: [(sql: String, parameters: PostgresParameters)] = []
        for statement in repeat each statements {
            bound.append(try Self.bind(statement))
        }
        try handle.enterPipeline()
        for prelude in preludes { try handle.send(prelude, PostgresParameters()) }
        for (sql, parameters) in bound {
            try handle.send(sql, parameters)
        }
        try handle.syncPipeline()
    }

    private static func bind<One: PostgresStatement>(
        _ statement: One
    ) throws(PostgresError) -> (sql: String, parameters: PostgresParameters) {
        var parameters = PostgresParameters()
        statement.bind(&parameters)
        try parameters.check()
        return (statement.sql, parameters)
    }

    override func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        guard readers.indices.contains(index) else { return }
        try readers[index].read(result)
    }

    override func statementEnded() -> Bool {
        index += 1
        return false
    }
}

/// Reads the rows of one statement of a pipeline.
private protocol PipelineReader: AnyObject {
    func read(_ result: borrowing ResultHandle) throws(PostgresError)
}

private final class PipelinePart<Statement: PostgresStatement>: PipelineReader {
    private let statement: Statement
    private(set) var rows: [Statement.Row] = []

    init(_ statement: Statement) {
        self.statement = statement
    }

    func read(_ result: borrowing ResultHandle) throws(PostgresError) {
        rows = try result.rows(of: statement)
    }
}
