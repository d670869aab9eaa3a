import OutboxStore
import TestSupport
import Testing

@Suite("A backlog of the inbox", .timeLimit(.minutes(3))) struct BacklogTests {
    @Test("costs what receives, takes and finishes beside it next to nothing")
    func plannedWhileEmpty() async throws {
        try await TestOutbox.withOwnServer { outbox in
            try await outbox.addSource()
            try await outbox.query("VACUUM ANALYZE postrider.inbox_queue")
            // The first reads catalogs, and a plan is kept from the sixth on.
            for number in 1...8 { _ = try await round(number, outbox) }
            let few = try await round(9, outbox)
            try await outbox.script(
                """
                INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation)
                SELECT nextval('postrider.received_id_seq'), 1, CASE WHEN n % 2 = 0 THEN 'infinity' ELSE now() END, now(), 'other ' || n / 2
                FROM generate_series(1, 40000) AS n
                """)
            let many = try await round(10, outbox)
            print(
                "pages of receiving, taking and finishing 20 rows, with an empty queue and behind 40,000: \(few) \(many)"
            )
            for (few, many) in zip(few, many) { #expect(many < few + 300) }
        }
    }

    /// Receives rows of 20 correlations, the same each time, takes the longest due, and finishes one. The pages of each.
    private func round(_ number: Int, _ outbox: TestOutbox) async throws -> [Int64] {
        func all(_ text: String) -> String { "array_fill('\(text)'::text, '{20}')" }
        func each(_ name: String) -> String {
            "ARRAY(SELECT '\(name) ' || n FROM generate_series(1, 20) AS n)"
        }
        let received = try await Plan.of(
            """
            SELECT * FROM postrider.receive(array_fill(1::bigint, '{20}'), \(each("id \(number)")), \(all("t")), \(each("key")), \(all("a/b")),
                                            \(all("{}")), array_fill(''::bytea, '{20}'), \(all("192.0.2.1")))
            """, on: outbox.connection)
        let taken = try await Plan.of("SELECT * FROM postrider.take_inbox('shop', 20)", on: outbox.connection)
        let first = try await outbox.number(
            "SELECT q.id FROM postrider.inbox_queue q WHERE q.due_at <= now() ORDER BY q.id LIMIT 1")
        let finished = try await Plan.of("SELECT postrider.finish_inbox(\(first))", on: outbox.connection)
        return [received.buffers, taken.buffers, finished.buffers]
    }
}
