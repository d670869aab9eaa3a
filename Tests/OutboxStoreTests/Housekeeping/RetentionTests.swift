import Postgres
import TestSupport
import Testing

@Suite("Retention", .timeLimit(.minutes(3)))
struct RetentionTests {
    @Test("drops old days, events before attempts, but none that live deliveries or dead letters need")
    func dropsOldDays() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            // Each of these days has an event; what it ends as is said beside it.
            let days = [50: "delivered", 45: "live", 40: "dead", 35: "closed", 31: "none", 29: "none"]
            for (day, end) in days.sorted(by: { $0.key > $1.key }) { try await event(outbox, age: day, end: end) }
            #expect(try await drop(outbox) == ["outbox 31", "outbox 35", "outbox 50", "attempts 50"])
            // A day of attempts stays as long as there may be events it tells of.
            #expect(try await old(outbox, "attempts") == [45, 40, 35, 31])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.closed") == 0)

            try await outbox.script("DELETE FROM postrider.deliveries; DELETE FROM postrider.dead")
            #expect(
                try await drop(outbox) == [
                    "outbox 40", "outbox 45", "attempts 31", "attempts 35", "attempts 40", "attempts 45",
                ])
            #expect(try await old(outbox, "outbox") == [])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 1)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("never makes an event look as if deliveries of it were missing")
    func noFalseAlarm() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.script("UPDATE postrider.subscriptions SET effective_at = now() - interval '100 days'")
            for (day, end) in [(50, "delivered"), (49, "dead"), (40, "delivered"), (33, "closed"), (2, "delivered")] {
                try await event(outbox, age: day, end: end)
            }
            var dropped: String?
            repeat {
                #expect(try await outbox.discrepancies() == [])
                dropped = try await keep(outbox)
            } while dropped != nil
            #expect(try await outbox.number("SELECT postrider.repair_fan_out('-infinity')") == 0)
        }
    }

    @Test("waits no longer than two seconds for a lock")
    func givesUp() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await event(outbox, age: 50, end: "none")
            let reader = try await outbox.connect()
            try await reader.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT count(*) FROM postrider.outbox", deadline: .seconds(5))
                let start = ContinuousClock.now
                let error = await outbox.refusal(of: "SELECT postrider.keep_retention()")
                #expect(ContinuousClock.now - start < .seconds(10))
                #expect(error?.sqlState?.rawValue == "55P03")
            }
            await reader.close()
            #expect(try await drop(outbox) == ["outbox 50", "attempts 50"])
        }
    }

    /// Stores an event of long ago, with its day's partitions.
    private func event(_ outbox: TestOutbox, age: Int, end: String) async throws {
        let from: [String: String] = [
            "delivered": """
            WITH gone AS (DELETE FROM postrider.deliveries d USING made WHERE d.event_id = made.id RETURNING d.*)
            INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker)
            SELECT created_at, created_at, id, 1, 1, 0, 1, 0, 1 FROM made
            """,
            "dead": """
            WITH gone AS (DELETE FROM postrider.deliveries d USING made WHERE d.event_id = made.id RETURNING d.*)
            INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, reason)
            SELECT id, id, created_at, 1, 1, 1, 'attempts_exhausted' FROM made
            """,
            "closed": """
            WITH gone AS (DELETE FROM postrider.deliveries d USING made WHERE d.event_id = made.id RETURNING d.*)
            INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status)
            SELECT id, created_at, 1, 1, 'cancelled' FROM made
            """,
            "none": "DELETE FROM postrider.deliveries d USING made WHERE d.event_id = made.id",
        ]
        try await outbox.script(
            """
            SELECT postrider.make_partition(parent, (now() AT TIME ZONE 'UTC')::date - \(age))
            FROM unnest(ARRAY['outbox', 'attempts']) AS parent;
            CREATE TEMP TABLE made ON COMMIT DROP AS SELECT now() - interval '\(age) days' AS created_at, 0::bigint AS id;
            INSERT INTO postrider.outbox (event_type, payload, endpoint, created_at)
            SELECT 'x', '1', CASE WHEN '\(end)' = 'none' THEN 'nobody' END, created_at FROM made;
            UPDATE made SET id = (SELECT max(o.id) FROM postrider.outbox o);
            \(from[end] ?? "")
            """)
    }

    private func keep(_ outbox: TestOutbox) async throws -> String? {
        try await outbox.query("SELECT postrider.keep_retention()").first
    }

    /// What is dropped until there is nothing more, with its age in days.
    private func drop(_ outbox: TestOutbox) async throws -> [String] {
        var dropped: [String] = []
        while let name = try await keep(outbox) {
            let age = try await outbox.query(
                """
                SELECT split_part($1, '_p', 1) || ' ' || (now() AT TIME ZONE 'UTC')::date
                    - to_date(split_part($1, '_p', 2), 'YYYYMMDD')
                """, name
            ).first
            dropped.append(age ?? "")
        }
        try await outbox.renewDuty("retention")
        return dropped.sorted { ($0.hasPrefix("outbox") ? 0 : 1, $0) < ($1.hasPrefix("outbox") ? 0 : 1, $1) }
    }

    /// The ages in days of the partitions past the retention.
    private func old(_ outbox: TestOutbox, _ parent: String) async throws -> [Int] {
        try await outbox.column(
            """
            SELECT age FROM (
                SELECT (now() AT TIME ZONE 'UTC')::date - to_date(right(c.relname, 8), 'YYYYMMDD') AS age
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = ('postrider.' || $1)::regclass AND c.relname ~ '_p[0-9]{8}$') p
            WHERE age > 30 ORDER BY age DESC
            """, parent
        ).compactMap { $0.flatMap { Int($0) } }
    }
}
