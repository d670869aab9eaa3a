import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    /// A table that was vacuumed while it was empty counts as empty for the planner until it is vacuumed again.
    @Suite("a claim and a settle that were planned for an empty table")
    struct StaleStatisticsTests {
        @Test("read few pages a row, and take no time, behind 200,000 deliveries")
        func pages() async throws {
            try await TestOutbox.withOwnServer { outbox in
                try await outbox.registerEndpoint(maxInFlight: 100_000)
                try await outbox.publish(count: 10_000)
                try await outbox.script("DELETE FROM postrider.deliveries")
                try await outbox.query("VACUUM postrider.deliveries")
                try await outbox.ownWorker().work(.delivered)
                try await outbox.query(
                    """
                    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, ordering_key)
                    SELECT clock_timestamp(), n, now(), 1, 100, CASE WHEN n % 5 = 0 THEN 'key ' || n % 100000 END
                    FROM generate_series(1, 200000) AS n
                    """)
                let believed = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'postrider.deliveries'::regclass"
                #expect(try await outbox.number(believed) == 0)
                // The first reads catalogs.
                for outcome in [Settlement.Outcome.delivered, .retry(after: .zero), .dead(.attemptsExhausted)] {
                    try await outbox.ownWorker().work(outcome)
                }
                for outcome in 0...2 {
                    let claim = try await Plan.of(
                        "CREATE TEMP TABLE claimed AS SELECT * FROM postrider.claim(1, '{1}', '{-infinity}', '{500}', 500, 1000000000, '15 s') WHERE state IS NULL",
                        on: outbox.connection)
                    let settle = try await Plan.of(Self.settle(outcome), on: outbox.connection)
                    try await outbox.script("DROP TABLE claimed")
                    #expect(claim.buffers < 500 * 12 && claim.microseconds < 200_000, "\(outcome) \(claim)")
                    #expect(settle.buffers < 500 * 30 && settle.microseconds < 400_000, "\(outcome) \(settle)")
                    #expect(settle.rows == 0)
                }
                try await outbox.lapseLeases()
                let plan = try await Plan.of("SELECT postrider.keep_leases()", on: outbox.connection)
                #expect(plan.buffers < 5_000 && plan.microseconds < 400_000, "\(plan)")
            }
        }

        /// Settles what the table `claimed` holds.
        private static func settle(_ outcome: Int) -> String {
            func array(_ element: String) -> String { "(SELECT array_agg(\(element) ORDER BY id) FROM claimed)" }
            let columns = ["endpoint_id", "due_at", "id", "attempt", "event_id", "event_at"].map(array)
            let rest = [
                "\(outcome)::smallint", "60000000::bigint", "NULL::text", "0::bigint", "1000", "1", "200::smallint",
                "NULL::text",
                "NULL::text", "NULL::text", "NULL::text", "NULL::int", "NULL::int", "NULL::int", "NULL::int",
            ].map(array)
            return "SELECT * FROM postrider.settle(1, false, 'infinity', \((columns + rest).joined(separator: ", ")))"
        }
    }
}
