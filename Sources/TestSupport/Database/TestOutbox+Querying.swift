package import Postgres

extension TestOutbox {
    /// Runs a statement; `$1`, … are `values`.
    @discardableResult
    package func query(_ sql: String, _ values: String?...) async throws(PostgresError)
        -> PostgresTable
    { try await connection.query(sql, values, deadline: Self.deadline) }

    /// Runs the statements of a script.
    package func script(_ sql: String) async throws(PostgresError) {
        try await connection.execute(script: sql, deadline: Self.deadline)
    }

    /// The number in the first column of the first row.
    package func number(_ sql: String, _ values: String?...) async throws -> Int64 {
        let table = try await connection.query(sql, values, deadline: Self.deadline)
        guard let text = table.first, let number = Int64(text) else {
            throw PostgresError(.unexpectedValue, "not a number: \(table.first ?? "NULL")")
        }
        return number
    }

    /// The values of the first column.
    package func column(_ sql: String, _ values: String?...) async throws(PostgresError) -> [String?] {
        try await connection.query(sql, values, deadline: Self.deadline).rows.map { $0.first ?? nil }
    }

    /// What the database says against a statement; `nil` if nothing.
    package func refusal(of sql: String, _ values: String?...) async -> PostgresError? {
        await connection.refusal(of: sql, values)
    }

    /// What became of each event at each endpoint: `event endpoint status attempts`, in the order of events.
    package func statuses() async throws(PostgresError) -> [String] {
        try await query(
            """
            SELECT format('%s %s %s %s', event_id, coalesce(endpoint, '-'), status, attempts)
            FROM postrider.event_deliveries ORDER BY event_id, endpoint
            """
        ).rows.compactMap { $0.first ?? nil }
    }

    /// What is wrong with the books: an event and endpoint without a delivery, or with two. Must always be empty.
    package func discrepancies() async throws(PostgresError) -> [String] {
        try await query(
            """
            SELECT format('unaccounted: %s %s', event_id, endpoint) FROM postrider.unaccounted
            UNION ALL
            SELECT format('%s times: %s %s', count(*), event_id, endpoint) FROM postrider.event_deliveries
            GROUP BY event_id, endpoint HAVING count(*) > 1
            UNION ALL
            SELECT format('no row: %s', o.id) FROM postrider.outbox o
            WHERE o.id NOT IN (SELECT event_id FROM postrider.event_deliveries)
            """
        ).rows.compactMap { $0.first ?? nil }
    }

    /// Waits until as many sessions of the database wait for a lock.
    package func waitForBlocked(_ count: Int) async throws {
        try await wait(
            for: """
                SELECT count(*) >= \(count) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """)
    }

    /// Waits until a query says true; asks on a connection of its own.
    package func wait(for condition: String) async throws {
        let observer = try await connect()
        let end = ContinuousClock.now + Self.deadline
        var isMet = false
        while !isMet, ContinuousClock.now < end {
            // The server waits, so that asking costs others little.
            isMet =
                try await observer.query("SELECT (\(condition)) FROM pg_sleep(0.002)", deadline: Self.deadline).first
                == "t"
        }
        await observer.close()
        guard isMet else { throw PostgresError(.deadlineExceeded, "never came true: \(condition)") }
    }
}

extension PostgresConnection {
    /// What the database says against a statement; `nil` if nothing.
    package nonisolated func refusal(of sql: String, _ values: [String?] = []) async -> PostgresError? {
        do throws(PostgresError) {
            _ = try await query(sql, values, deadline: TestOutbox.deadline)
            return nil
        } catch { return error }
    }

    private struct Undo<Value: Sendable>: Error { let value: Value }

    /// Runs `body` in a transaction that is rolled back, and returns what `body` returned.
    package nonisolated func withRollback<Result: Sendable>(_ body: (PostgresTransaction) async throws -> Result)
        async throws -> Result
    {
        do {
            return try await withTransaction(deadline: TestOutbox.deadline) { transaction in
                throw Undo(value: try await body(transaction))
            }
        } catch let undo as Undo<Result> { return undo.value }
    }
}
