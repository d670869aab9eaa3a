package import Postgres

extension TestOutbox {
    /// Runs a statement; `$1`, … are `values`.
    @discardableResult
    package func query(_ sql: String, _ values: String?...) async throws(PostgresError) -> PostgresTable {
        try await connection.query(sql, values, deadline: Self.deadline)
    }

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
}

extension PostgresConnection {
    /// What the database says against a statement; `nil` if nothing.
    package nonisolated func refusal(of sql: String, _ values: [String?] = []) async -> PostgresError? {
        do throws(PostgresError) {
            _ = try await query(sql, values, deadline: TestOutbox.deadline)
            return nil
        } catch {
            return error
        }
    }
}
