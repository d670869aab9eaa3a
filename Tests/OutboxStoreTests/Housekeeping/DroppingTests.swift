import Postgres
import Synchronization
import TestSupport
import Testing

/// Old partitions go while others read, insert and cancel.
@Suite("Dropping a partition", .timeLimit(.minutes(3)))
struct DroppingTests {
    private let keep = "SELECT postrider.keep_retention()"
    private let insert = "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')"
    private let old = "SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day < now() - interval '31 days'"

    private func makeOld(_ outbox: TestOutbox, days: Int) async throws {
        try await outbox.script(
            """
            SELECT postrider.make_partition(parent, (now() AT TIME ZONE 'UTC')::date - 40 - n)
            FROM unnest(ARRAY['outbox', 'attempts']) AS parent, generate_series(1, \(days)) AS n
            """)
    }

    private final class End: Sendable {
        let isThere = Atomic(false)
    }

    /// Runs `body` again and again until the end, and returns what was refused.
    private func again(
        _ outbox: TestOutbox, as user: String, until end: End,
        _ body: @Sendable (PostgresConnection) async throws -> Void
    ) async throws -> [String] {
        let connection = try await outbox.connect(as: user)
        var refused: [String] = []
        while !end.isThere.load(ordering: .relaxed) {
            do { try await body(connection) } catch let error as PostgresError {
                refused.append("\(error)")
            }
        }
        await connection.close()
        return refused
    }

    @Test("deadlocks with none of three readers and two sessions that insert and cancel, 20 times")
    func besideOthers() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await makeOld(outbox, days: 10)
            try await outbox.publish()
            try await outbox.script(
                """
                DO $$ BEGIN CREATE ROLE shop_user LOGIN IN ROLE postrider_producer, postrider_operator;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
                """)
            let end = End()
            let refused = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await again(outbox, as: "postgres", until: end) {
                            _ = try await $0.query("SELECT count(*) FROM postrider.outbox", deadline: .seconds(10))
                        }
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        try await again(outbox, as: "shop_user", until: end) { connection in
                            try await connection.withTransaction(deadline: .seconds(10)) {
                                _ = try await $0.query(insert, deadline: .seconds(10))
                                _ = try await $0.query("SELECT postrider.cancel_event(1)", deadline: .seconds(10))
                            }
                        }
                    }
                }
                let worker = try await outbox.connect(in: "postrider_worker")
                var tries = 0
                while try await outbox.number(old) > 0, tries < 2_000 {
                    tries += 1
                    if let state = await worker.refusal(of: keep)?.sqlState { #expect(state.rawValue == "55P03") }
                }
                await worker.close()
                end.isThere.store(true, ordering: .relaxed)
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(refused == [])
            #expect(try await outbox.number(old) == 0)
        }
    }

    @Test("gives up soon beside an open transaction, so that no other producer waits for long")
    func openTransaction() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await makeOld(outbox, days: 1)
            let open = try await outbox.connect()
            let other = try await outbox.connect(in: "postrider_producer")
            try await open.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query(insert, deadline: .seconds(5))
                for _ in 0..<3 {
                    let trying = Task { await outbox.refusal(of: keep)?.sqlState?.rawValue }
                    let start = ContinuousClock.now
                    _ = try await other.query(insert, deadline: .seconds(5))
                    #expect(ContinuousClock.now - start < .milliseconds(500))
                    #expect(await trying.value == "55P03")
                }
            }
            await open.close()
            await other.close()
            #expect(try await outbox.query(keep).first?.hasPrefix("outbox_p") == true)
            #expect(try await outbox.query(keep).first?.hasPrefix("attempts_p") == true)
        }
    }

    @Test("deletes nothing in the same transaction, so that its locks last for an instant")
    func dropsOnly() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await makeOld(outbox, days: 1)
            try await outbox.script(
                """
                INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status)
                SELECT n, now() - interval '41 days', 1, 0, 'cancelled' FROM generate_series(1, 15000) AS n
                """)
            let closed = "SELECT count(*) FROM postrider.closed"
            let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '_p[0-9]{8}$'"
            let before = try await outbox.number(tables)
            for expected: Int64 in [15_000, 15_000, 5_000, 0] {
                try await outbox.query(keep)
                #expect(try await outbox.number(closed) == expected)
                // Files are deleted when no lock is held that others want.
                #expect(try await outbox.number(tables) == (expected == 15_000 ? before : before - 2))
            }
        }
    }
}
