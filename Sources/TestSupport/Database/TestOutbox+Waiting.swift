package import Postgres

extension TestOutbox {
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
                try await observer.query(
                    "SELECT (\(condition)) FROM pg_sleep(0.002)", deadline: Self.deadline
                ).first == "t"
        }
        await observer.close()
        guard isMet else { throw PostgresError(.deadlineExceeded, "never came true: \(condition)") }
    }
}

extension PostgresConnection {
    private struct Undo<Value: Sendable>: Error {
        let value: Value
    }

    /// Runs `body` in a transaction that is rolled back, and returns what `body` returned.
    package nonisolated func withRollback<Result: Sendable>(
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        do {
            return try await withTransaction(deadline: TestOutbox.deadline) { transaction in
                throw Undo(value: try await body(transaction))
            }
        } catch let undo as Undo<Result> {
            return undo.value
        }
    }
}
