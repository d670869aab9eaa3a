extension PostgresSession {
    /// Runs a statement once, in a transaction of its own. See ``PostgresConnection/run(_:deadline:)``.
    ///
    /// - Parameter deadline: how long it may take, connecting included.
    package func run<Statement: PostgresStatement>(
        _ statement: Statement, deadline: Duration
    ) async throws(PostgresError) -> [Statement.Row] {
        try await lend(deadline) { (connection, remaining) async throws(PostgresError) in
            try await connection.run(statement, deadline: remaining)
        }
    }

    /// Runs a statement once for its effect and returns how many rows it touched.
    @discardableResult
    package func execute(_ statement: some PostgresStatement, deadline: Duration) async throws(PostgresError) -> Int {
        try await lend(deadline) { (connection, remaining) async throws(PostgresError) in
            try await connection.execute(statement, deadline: remaining)
        }
    }

    /// Runs a statement that is known only at run time; for tools and tests.
    package func query(
        _ sql: String, _ values: [String?] = [], deadline: Duration
    ) async throws(PostgresError) -> PostgresTable {
        try await lend(deadline) { (connection, remaining) async throws(PostgresError) in
            try await connection.query(sql, values, deadline: remaining)
        }
    }

    /// Runs the statements of a script, in one transaction unless it says otherwise.
    @discardableResult
    package func execute(script: String, deadline: Duration) async throws(PostgresError) -> PostgresTable {
        try await lend(deadline) { (connection, remaining) async throws(PostgresError) in
            try await connection.execute(script: script, deadline: remaining)
        }
    }

    /// Runs `body` in a transaction. See ``PostgresConnection/withTransaction(deadline:_:)``.
    package func withTransaction<Result: Sendable>(
        deadline: Duration, _ body: (PostgresTransaction) async throws(PostgresError) -> Result
    ) async throws(PostgresError) -> Result {
        try await lend(deadline) { (connection, remaining) async throws(PostgresError) in
            do {
                return try await connection.withTransaction(deadline: remaining, body)
            } catch {
                throw error as? PostgresError ?? PostgresError(.cancelled, "the task was cancelled")
            }
        }
    }

    private func lend<Result>(
        _ deadline: Duration, _ body: (PostgresConnection, Duration) async throws(PostgresError) -> Result
    ) async throws(PostgresError) -> Result {
        let end = ContinuousClock.now + deadline
        let connection = try await connection(until: end)
        do throws(PostgresError) {
            let result = try await body(connection, end - .now)
            succeeded()
            return result
        } catch {
            judge(error, of: connection)
            throw error
        }
    }
}
