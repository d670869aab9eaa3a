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

    @Test("that are missing do not keep an event from being stored, delivered and moved later, once")
    func missingPartition() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await dropAll(outbox)
            for _ in 0..<3 { try await outbox.publish() }
            #expect(
                try await outbox.column(places) == [
                    "postrider.outbox_default", "postrider.outbox_default", "postrider.outbox_default",
                ])
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim(budget: 2)
            #expect(try await outbox.connection.run(FetchEvents(of: claimed), deadline: .seconds(5)).count == 2)
            try await worker.settle(claimed, .delivered)

            // A day of which rows still arrive stays as it is; make its events old.
            try await outbox.query("SELECT postrider.ensure_partitions(1)")
            #expect(try await outbox.column(places).allSatisfy { $0 == "postrider.outbox_default" })
            try await outbox.script(
                """
                UPDATE postrider.outbox SET created_at = created_at - interval '3 days';
                UPDATE postrider.attempts SET started_at = started_at - interval '3 days', event_at = event_at - interval '3 days';
                UPDATE postrider.deliveries SET event_at = event_at - interval '3 days';
                """)
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(1)") == 2)
            #expect(try await outbox.column(places).allSatisfy { $0 != "postrider.outbox_default" })
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts_default") == 0)
            #expect(try await outbox.statuses() == ["1 shop delivered 1", "2 shop delivered 1", "3 shop pending 0"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("are made for days long past, too, if rows of those found none")
    func oldDays() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(
                """
                INSERT INTO postrider.outbox (event_type, payload, created_at)
                VALUES ('x', '1', now() - interval '20 days'), ('x', '1', now() - interval '40 days')
                """)
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(7)") == 2)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox_default") == 0)
        }
    }

    @Test("are made while producers insert")
    func madeUnderLoad() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await dropAll(outbox)
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

    private func dropAll(_ outbox: TestOutbox) async throws {
        try await outbox.script(
            """
            DO $$ DECLARE part regclass; BEGIN
                FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                    WHERE inhparent IN ('postrider.outbox'::regclass, 'postrider.attempts'::regclass)
                        AND inhrelid::regclass::text ~ '_p[0-9]{8}$' LOOP
                    EXECUTE format('DROP TABLE %s', part);
                END LOOP;
            END $$
            """)
    }
}
