import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("What is unaccounted for", .timeLimit(.minutes(3)))
struct UnaccountedTests {
    @Test("is found in a span, at its edges, and beyond one slice")
    func spans() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            // 120,000 events of two hours, without the trigger, so without a delivery.
            try await outbox.script(
                """
                SET session_replication_role = replica;
                INSERT INTO postrider.outbox (created_at, event_type, payload)
                SELECT date_trunc('hour', now()) + n * interval '60 ms', 'x', '1' FROM generate_series(0, 119999) AS n;
                RESET session_replication_role;
                UPDATE postrider.subscriptions SET effective_at = '-infinity';
                INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status)
                SELECT o.id, o.created_at, 1, 0, 'cancelled' FROM postrider.outbox o
                WHERE o.id NOT IN (1, 49999, 50000, 50001, 100000, 120000);
                """)
            let all = "SELECT event_id FROM postrider.unaccounted"
            #expect(try await outbox.column(all) == ["1", "49999", "50000", "50001", "100000", "120000"])
            func found(_ since: String, _ until: String) async throws -> [String?] {
                try await outbox.column(
                    "SELECT event_id FROM postrider.unaccounted_between(\(since), \(until))")
            }
            let start = "date_trunc('hour', now())"
            #expect(try await found(start, "\(start) + 49998.5 * interval '60 ms'") == ["1", "49999"])
            #expect(try await found("\(start) + interval '60 ms'", "'infinity'").first == "49999")
            // `until` is no part of it.
            let fifty = "\(start) + 49999 * interval '60 ms'"
            #expect(try await found(fifty, fifty) == [])
            #expect(try await found(fifty, "\(fifty) + interval '1 us'") == ["50000"])
            #expect(try await found("now() + interval '1 year'", "NULL") == [])
        }
    }

    @Test("costs by the span, not by what is kept: it reads no more of the other events")
    func pages() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.script(
                """
                SET session_replication_role = replica;
                INSERT INTO postrider.outbox (created_at, event_type, payload)
                SELECT date_trunc('hour', now()) + n * interval '1 ms', 'x', '1' FROM generate_series(0, 99999) AS n;
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker)
                SELECT o.created_at, o.created_at, o.id, 1, 1, 1, 1, 0, 1 FROM postrider.outbox o;
                RESET session_replication_role;
                UPDATE postrider.subscriptions SET effective_at = '-infinity';
                ANALYZE;
                """)
            func pages(_ span: String) async throws -> Int {
                let plan = try await outbox.query(
                    """
                    EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off)
                    SELECT * FROM postrider.unaccounted_between(date_trunc('hour', now()), date_trunc('hour', now()) + $1)
                    """, span)
                let buffers = plan.rows.compactMap { $0.first ?? nil }.first { $0.contains("Buffers: ") }
                return buffers?.matches(of: #/(?:hit|read)=(\d+)/#).compactMap { Int($0.1) }.reduce(0, +) ?? .max
            }
            _ = try await pages("1 s")
            let (little, much) = (try await pages("1 s"), try await pages("100 s"))
            #expect(little < 1000, "\(little) of \(much)")
            #expect(much > 3000)
        }
    }
}
