import Postgres
import TestSupport
import Testing

@Suite("Publishing in bulk", .timeLimit(.minutes(3)))
struct BulkPublishingTests {
    @Test("costs the same per row for 20,000 rows as for 2,000, into three subscriptions")
    func isLinear() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b", "c"] { try await outbox.registerEndpoint(name, types: ["order.*", "*"]) }
            // Planned for one row, as in the session of a producer that lives long.
            for _ in 0..<7 { try await outbox.publish(count: 1) }
            let small = try await measure(outbox, 2_000)
            let large = try await measure(outbox, 20_000)
            #expect(large.buffers < small.buffers * 12, "\(small) \(large)")
            #expect(large.milliseconds < small.milliseconds * 30, "\(small) \(large)")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 3 * 22_007)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    private func measure(_ outbox: TestOutbox, _ count: Int) async throws -> (buffers: Int64, milliseconds: Int64) {
        let plan = try await Plan.of(
            """
            INSERT INTO postrider.outbox (event_type, payload)
            SELECT 'order.paid', '{}' FROM generate_series(1, \(count))
            """, on: outbox.connection)
        return (plan.buffers, plan.microseconds / 1000)
    }

    @Test("makes the deliveries of a statement in the order of its events")
    func keepsOrder() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b")
            try await outbox.publish(count: 5_000, keys: 3)
            let disorder = """
                SELECT count(*) FROM postrider.deliveries d JOIN postrider.deliveries e
                    ON e.endpoint_id = d.endpoint_id AND e.event_id = d.event_id + 1
                WHERE e.id < d.id
                """
            #expect(try await outbox.number(disorder) == 0)
        }
    }

    @Test("goes on for 2,000 single inserts")
    func singleInserts() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                for _ in 0..<2_000 {
                    _ = try await transaction.query(
                        "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')", deadline: .seconds(5))
                }
            }
            #expect(try await outbox.number("SELECT count(DISTINCT event_id) FROM postrider.deliveries") == 2_000)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("takes 100,000 rows by COPY")
    func copies() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let psql = try await PSQL.run(
                """
                \\copy postrider.outbox (event_type, payload) FROM PROGRAM 'seq 100000 | sed "s/^/order.paid\\t/"'
                """, at: outbox.database.url, options: ["--set", "ON_ERROR_STOP=1"])
            #expect(psql.status == 0, "\(psql.output)")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 100_000)
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
