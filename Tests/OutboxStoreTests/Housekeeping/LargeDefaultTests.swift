import Postgres
import TestSupport
import Testing

/// Partitions beside a DEFAULT partition that takes long to read: 60,000 rows, more than 8 MB.
@Suite("A large DEFAULT partition", .timeLimit(.minutes(3)))
struct LargeDefaultTests {
    private let keep = "SELECT postrider.keep_partitions()"
    private let insert = "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')"
    private let days =
        "SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day >= (now() AT TIME ZONE 'UTC')::date"
    private let guards = """
        SELECT (SELECT count(*) FROM pg_constraint WHERE conname LIKE '%guard' AND contype = 'c')
            + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%guard')
        """

    private func withLarge(_ table: String = "outbox", _ body: (TestOutbox) async throws -> Void) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.dropPartitions()
            let fill = [
                "outbox": """
                INSERT INTO postrider.outbox (event_type, payload, created_at)
                SELECT 'y', to_json(repeat('x', 150)), now() - n * interval '10 s' FROM generate_series(1, 60000) AS n;
                """,
                "attempts": """
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker, error)
                SELECT now() - n * interval '10 s', now(), n, 1, 1, 0, 1, 1, 1, repeat('x', 100) FROM generate_series(1, 60000) AS n
                """,
            ]
            try await outbox.script(
                "SET session_replication_role = replica; \(fill[table] ?? ""); RESET session_replication_role")
            try await body(outbox)
        }
    }

    @Test(
        "gets partitions one a transaction, by a worker, while producers insert, and keeps its rows",
        arguments: ["outbox", "attempts"])
    func steps(table: String) async throws {
        try await withLarge(table) { outbox in
            let worker = try await outbox.connect(in: "postrider_worker")
            let producer = try await outbox.connect(in: "postrider_producer")
            let before = try await outbox.number("SELECT count(*) FROM postrider.\(table)")
            var steps = 0
            while try await worker.query(keep, deadline: .seconds(10)).first == "1" {
                steps += 1
                _ = try await producer.query(insert, deadline: .seconds(10))
                // Each step is committed: at most one partition more than steps, and never all at once.
                #expect(try await outbox.number(days) <= steps)
            }
            #expect(try await outbox.number(days) == 32)
            // 32 partitions, and the guard: made, proved, taken away.
            #expect(steps == 35)
            #expect(try await outbox.number(guards) == 0)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.\(table)_default") >= before)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == steps)
            await worker.close()
            await producer.close()
        }
    }

    @Test("is read without a lock that a producer would wait for")
    func proves() async throws {
        try await withLarge { outbox in
            #expect(try await outbox.number(keep) == 1)
            let producer = try await outbox.connect(in: "postrider_producer")
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let step = try await transaction.query(
                    "SELECT postrider.prepare_days('outbox', 7)", deadline: .seconds(5))
                #expect(step.first == "proved")
                let modes = try await transaction.query(
                    "SELECT string_agg(mode, ' ') FROM pg_locks WHERE relation = 'postrider.outbox_default'::regclass AND pid = pg_backend_pid()",
                    deadline: .seconds(5))
                #expect(modes.first?.contains("AccessExclusiveLock") == false, "\(modes)")
                _ = try await producer.query(insert, deadline: .seconds(5))
            }
            await producer.close()
        }
    }

    @Test("with a guard that no worker takes away refuses no row", arguments: ["origin", "replica"])
    func guardLeftBehind(role: String) async throws {
        try await withLarge { outbox in
            // As if the guard had been made long ago, and its time had come.
            try await outbox.script(
                "SELECT postrider.guard_default('outbox', now() - interval '1 min', now() + interval '8 days')")
            try await outbox.script("SET session_replication_role = \(role); \(insert); RESET session_replication_role")
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.outbox WHERE event_type = 'x' AND created_at < now()") == 1)
            // It comes too late to be of use: it goes, and another is made.
            #expect(try await outbox.number(keep) == 1)
            #expect(try await outbox.number(guards) == 0)
            while try await outbox.number(keep) == 1 {}
            #expect(try await outbox.number(days) == 32)
            #expect(try await outbox.number(guards) == 0)
        }
    }

    @Test("that has rows of days to come gets partitions for the days after them")
    func rowsOfTheFuture() async throws {
        try await withLarge("attempts") { outbox in
            try await outbox.script(
                """
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker)
                VALUES (now() + interval '3 days', now(), 1, 1, 1, 0, 1, 1, 1)
                """)
            var steps = 0
            while try await outbox.number(keep) == 1, steps < 100 { steps += 1 }
            #expect(steps < 40)
            #expect(try await outbox.number("\(days) AND d.parent = 'outbox'") == 8)
            #expect((4...5).contains(try await outbox.number("\(days) AND d.parent = 'attempts'")))
            #expect(try await outbox.number(guards) == 0)
        }
    }

    @Test("that a transaction writes to is not waited for longer than a moment, and the next try comes later")
    func openTransaction() async throws {
        try await withLarge { outbox in
            let open = try await outbox.connect()
            let other = try await outbox.connect(in: "postrider_producer")
            try await open.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query(insert, deadline: .seconds(5))
                for failures in 1...3 {
                    try await outbox.renewDuty("partitions")
                    #expect(try await outbox.query("SELECT postrider.take_duty('partitions')").first == "t")
                    let trying = Task { await outbox.refusal(of: keep)?.sqlState?.rawValue }
                    let start = ContinuousClock.now
                    _ = try await other.query(insert, deadline: .seconds(5))
                    #expect(ContinuousClock.now - start < .milliseconds(500))
                    // With one failure behind it another table comes first, and that one is free.
                    #expect(await trying.value == (failures == 2 ? nil : "55P03"))
                    if failures == 2 {
                        try await outbox.script("UPDATE postrider.duties SET failures = 4 WHERE duty = 'partitions'")
                    }
                }
            }
            await open.close()
            await other.close()
            #expect(try await outbox.number("SELECT failures FROM postrider.duties WHERE duty = 'partitions'") == 5)
            while try await outbox.number(keep) == 1 {}
            #expect(try await outbox.number(days) == 32)
        }
    }
}
