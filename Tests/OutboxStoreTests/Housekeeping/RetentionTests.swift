import OutboxStore
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
            #expect(
                try await drop(outbox) == [
                    "outbox 31", "outbox 35", "outbox 50", "attempts 31", "attempts 35", "attempts 40", "attempts 45",
                    "attempts 50",
                ])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.closed") == 0)

            try await outbox.script("DELETE FROM postrider.deliveries; DELETE FROM postrider.dead")
            #expect(
                try await drop(outbox) == ["outbox 40", "outbox 45"])
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

    @Test("of one kept event keeps the attempts that tell of it, and none of another day")
    func keepsNothingYounger() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.script("UPDATE postrider.subscriptions SET effective_at = now() - interval '100 days'")
            for day in stride(from: 42, through: 31, by: -1) { try await event(outbox, age: day, end: "delivered") }
            // A dead letter of day 41, beside an event of that day that was delivered on day 38.
            try await outbox.script(
                """
                INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, reason)
                SELECT 1000, o.id, o.created_at, 1, 1, 1, 'attempts_exhausted' FROM postrider.outbox o ORDER BY o.id OFFSET 1 LIMIT 1;
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker)
                SELECT o.created_at + interval '3 days', o.created_at, o.id, 1, 1, 0, 2, 0, 1
                FROM postrider.outbox o ORDER BY o.id OFFSET 1 LIMIT 1
                """)
            _ = try await drop(outbox)
            #expect(try await old(outbox, "outbox") == [41])
            #expect(try await old(outbox, "attempts") == [41, 38])
            #expect(try await outbox.discrepancies().filter { $0.hasPrefix("unaccounted") } == [])
            let kept = try await outbox.connection.run(RetentionChecks.keptDays, deadline: .seconds(5))
            #expect(
                kept.count == 1 && kept.first?.deadLetters == 1 && kept.first?.deliveries == 0
                    && kept.first?.partitions == 3)
            try await outbox.script("DELETE FROM postrider.dead")
            #expect(try await drop(outbox) == ["outbox 41", "attempts 38", "attempts 41"])
            #expect(try await outbox.connection.run(RetentionChecks.keptDays, deadline: .seconds(5)).isEmpty)
        }
    }

    @Test("deletes from DEFAULT what is past it and not needed, some pages at a time")
    func strays() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for end in ["delivered", "live", "dead", "closed", "none"] {
                try await event(outbox, age: 40, end: end, inDefault: true)
            }
            try await event(outbox, age: 20, end: "delivered", inDefault: true)
            #expect(try await outbox.number("SELECT postrider.keep_strays()") == 4)
            #expect(try await outbox.column("SELECT id FROM postrider.outbox ORDER BY id") == ["2", "3", "6"])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts_default") == 1)
            try await outbox.query("SELECT postrider.keep_retention()")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.closed") == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("of idempotency keys takes a portion a call, after the partitions, and a smaller one after a failure")
    func keys() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await event(outbox, age: 50, end: "none")
            try await outbox.script(
                """
                INSERT INTO postrider.idempotency_keys (tenant, idempotency_key, event_id, event_at, fingerprint)
                SELECT '', n::text, n, now() - interval '100 days' + n * interval '1 s', '' FROM generate_series(1, 25000) AS n
                """)
            let count = "SELECT count(*) FROM postrider.idempotency_keys"
            let connection = try await outbox.connect(in: "postrider_worker")
            func keep(_ function: String) async throws -> String? {
                try await connection.query("SELECT postrider.\(function)()", deadline: .seconds(10)).first
            }
            #expect(try await keep("keep_retention")?.hasPrefix("outbox_p") == true)
            #expect(try await keep("keep_retention")?.hasPrefix("attempts_p") == true)
            #expect(try await outbox.number(count) == 25_000)
            #expect(try await keep("keep_retention") == nil)
            #expect(try await outbox.number(count) == 15_000)
            #expect(try await keep("keep_idempotency") == "10000")
            for _ in 0..<2 {
                try await outbox.renewDuty("idempotency")
                try await outbox.query("SELECT postrider.take_duty('idempotency')")
            }
            #expect(try await keep("keep_idempotency") == "2500")
            #expect(try await keep("keep_idempotency") == "2500")
            #expect(try await outbox.number(count) == 0)
            await connection.close()
        }
    }

    @Test("waits no longer than a moment for a lock")
    func givesUp() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await event(outbox, age: 50, end: "none")
            let reader = try await outbox.connect()
            try await reader.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT count(*) FROM postrider.outbox", deadline: .seconds(5))
                let start = ContinuousClock.now
                let error = await outbox.refusal(of: "SELECT postrider.keep_retention()")
                #expect(ContinuousClock.now - start < .seconds(1))
                #expect(error?.sqlState?.rawValue == "55P03")
            }
            await reader.close()
            #expect(try await drop(outbox) == ["outbox 50", "attempts 50"])
        }
    }

    /// Stores an event of long ago, with its day's partitions.
    private func event(_ outbox: TestOutbox, age: Int, end: String, inDefault: Bool = false) async throws {
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
            FROM unnest(ARRAY['outbox', 'attempts']) AS parent WHERE NOT \(inDefault);
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
