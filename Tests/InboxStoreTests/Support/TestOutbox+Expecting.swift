import Postgres
import TestSupport

extension TestOutbox {
    /// Expects a callback of the source `shop`, and returns the number.
    ///
    /// - Parameter more: named arguments of `postrider.expect` beside correlation, within and source.
    @discardableResult
    func expect(_ correlation: String, within: String = "1 h", _ more: String = "") async throws -> Int64 {
        try await number(
            "SELECT postrider.expect($1, $2::interval, 'shop'\(more.isEmpty ? "" : ", \(more)"))", correlation, within)
    }

    /// One that a poll is due for, and the poll taken.
    @discardableResult
    func expectPolled(
        _ correlation: String, every: String = "1 s", until: String = "1 h", doneWhen: String? = nil
    ) async throws -> Int64 {
        let id = try await number(
            """
            SELECT postrider.expect($1, '1 h', 'shop', 'poll', 'https://shop.example/payments', '{"Authorization": "Bearer canary"}',
                $2::interval, $3::interval, $4::jsonpath)
            """, correlation, every, until, doneWhen)
        try await overdue()
        try await query("SELECT * FROM postrider.take_polls(10, '1 min')")
        return id
    }

    /// Does something while another session has the row of an expectation.
    func holding(_ id: Int64, _ body: () async throws -> Void) async throws {
        let person = try await connect()
        try await person.withTransaction(deadline: Self.deadline) { (transaction) async throws in
            _ = try await transaction.query(
                "SELECT FROM postrider.expected WHERE id = $1 FOR UPDATE", ["\(id)"], deadline: Self.deadline)
            try await body()
        }
        await person.close()
    }

    /// Makes all that waits due now.
    func overdue() async throws(PostgresError) {
        try await query("UPDATE postrider.expected SET due_at = clock_timestamp() WHERE due_at > clock_timestamp()")
    }

    /// Records the answer of a poll and returns the state.
    @discardableResult
    func answer(_ id: Int64, turn: Int = 1, status: Int = 200, body: String? = nil) async throws -> String? {
        try await column(
            "SELECT postrider.record_poll($1::bigint, $2::int, $3::int, NULL, $4::bytea, '192.0.2.9', true, '0')",
            "\(id)",
            "\(turn)", "\(status)",
            body.map { "\\x" + $0.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
        ).first ?? nil
    }

    /// What each is: `correlation state inbox`, in the order of their numbers.
    func expectations() async throws -> [String] {
        try await column(
            "SELECT concat_ws(' ', x.correlation, x.state, x.inbox_id) FROM postrider.expectations x ORDER BY x.id"
        ).compactMap(\.self)
    }

    /// How often each was told of as missed.
    func told() async throws -> [String] {
        try await column(
            """
            SELECT o.payload ->> 'correlation' FROM postrider.outbox o
            WHERE o.event_type = 'postrider.expectation.missed' ORDER BY 1
            """
        ).compactMap(\.self)
    }
}
