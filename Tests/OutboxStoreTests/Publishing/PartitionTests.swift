import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Partitions", .timeLimit(.minutes(3)))
struct PartitionTests {
    private let places = "SELECT tableoid::regclass::text FROM postrider.outbox ORDER BY id"

    @Test("are there from a day back to a week ahead")
    func madeAhead() async throws {
        try await TestOutbox.withOutbox { outbox in
            for parent in ["outbox", "attempts"] {
                let days = try await outbox.number(
                    """
                    SELECT count(*) FROM generate_series(-1, 7) AS n
                    WHERE to_regclass(format('postrider.%s_p%s', $1::text, to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD')))
                        IS NOT NULL
                    """, parent)
                #expect(days == 9)
            }
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(7)") == 0)
        }
    }

    @Test("that are missing do not keep an event from being stored and delivered")
    func missingPartition() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.dropPartitions()
            for _ in 0..<3 { try await outbox.publish() }
            #expect(
                try await outbox.column(places) == [
                    "postrider.outbox_default", "postrider.outbox_default", "postrider.outbox_default",
                ])
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim(budget: 2)
            #expect(try await outbox.connection.run(FetchEvents(of: claimed), deadline: .seconds(5)).count == 2)
            try await worker.settle(claimed, .delivered)

            // What is in DEFAULT stays there; what comes a minute from now finds its partition.
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(1)") == 8)
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(1)") == 0)
            try await outbox.publish()
            try await outbox.query(
                "INSERT INTO postrider.outbox (event_type, payload, created_at) VALUES ('x', '1', now() + interval '2 min')"
            )
            let today = try await outbox.query(
                "SELECT 'postrider.outbox_p' || to_char(now() AT TIME ZONE 'UTC' + interval '2 min', 'YYYYMMDD')"
            ).first
            #expect(try await outbox.column(places) == Array(repeating: "postrider.outbox_default", count: 4) + [today])
            try await outbox.script(
                "DELETE FROM postrider.deliveries WHERE event_id > 3; DELETE FROM postrider.outbox WHERE id > 3")
            #expect(try await outbox.statuses() == ["1 shop delivered 1", "2 shop delivered 1", "3 shop pending 0"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("begin after the rows of their day that are in DEFAULT")
    func beginsLater() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.dropPartitions()
            try await outbox.query(
                """
                INSERT INTO postrider.outbox (event_type, payload, created_at)
                VALUES ('x', '1', now() - interval '20 days'), ('x', '1', date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '54 hours')
                """)
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(7)") == 32)
            #expect(try await outbox.column(places) == ["postrider.outbox_default", "postrider.outbox_default"])
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM pg_class WHERE relname LIKE 'outbox_p________' AND pg_get_expr(relpartbound, oid) LIKE '% 06:00:00.000001%'"
                ) == 1)
        }
    }

    @Test("are made while producers insert")
    func madeUnderLoad() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.dropPartitions()
            let producer = try await outbox.connect()
            async let produced: Void = {
                for _ in 0..<300 {
                    _ = try await producer.query(
                        "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')", deadline: .seconds(10))
                }
            }()
            try await outbox.wait(for: "SELECT count(*) > 20 FROM postrider.deliveries")
            try await outbox.query("SELECT postrider.ensure_partitions(1)")
            try await produced
            await producer.close()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 300)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 300)
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
