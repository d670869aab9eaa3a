import OutboxStore
import TestSupport
import Testing

extension Measuring {
    /// The planner puts a small SQL function in place of its call only where its body is as constant as it says it is itself.
    /// Otherwise each call is prepared and run like a statement: for an event's webhook id, a third of what fetching it costs.
    @Suite("the functions that run for each event or lane")
    struct InlineFunctionTests {
        @Test(
            "are no calls",
            arguments: [
                "SELECT postrider.webhook_id(o.created_at, o.id) FROM postrider.outbox o",
                "SELECT postrider.tokens(l.rate_limit, l.tokens, l.tokens_at, now()) FROM postrider.lanes l",
            ])
        func inline(sql: String) async throws {
            try await TestOutbox.withOutbox { outbox in
                let plan = try await outbox.column("EXPLAIN (VERBOSE, COSTS OFF) \(sql)").compactMap(\.self)
                #expect(plan.contains { $0.contains("Output: ") })
                #expect(!plan.contains { $0.contains("webhook_id(") || $0.contains("tokens(") }, "\(plan)")
            }
        }

        @Test("say how many tokens there are, also of a clock that was set back or a bucket that was never used")
        func tokens() async throws {
            try await TestOutbox.withOutbox { outbox in
                // Rate, tokens, since when, and what there is at noon: at most one and what comes in 1/20 s.
                for (rate, tokens, at, expected) in [
                    ("100", "0", "2026-01-01 11:59:59.98", "2"), ("100", "0", "2026-01-01 11:00", "6"),
                    ("0.5", "0.25", "2026-01-01 11:59:59", "0.75"), ("100", "0", "-infinity", "6"),
                    ("0.001", "0", "-infinity", "1.00005"), ("100", "2.5", "2026-01-01 12:00", "2.5"),
                    ("100", "2.5", "2026-01-01 12:00:00.9", "2.5"), ("100", "0", "2026-01-01 12:00:02", "6"),
                    ("100", "0", "infinity", "6"),
                ] {
                    let counted = try await outbox.column(
                        "SELECT postrider.tokens($1::real, $2::real, $3::timestamptz, '2026-01-01 12:00')", rate,
                        tokens, at)
                    #expect(counted == [expected], "\(rate) \(tokens) \(at)")
                }
            }
        }
    }
}
