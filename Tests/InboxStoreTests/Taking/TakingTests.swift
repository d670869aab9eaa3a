import Postgres
import TestSupport
import Testing

@Suite("Taking", .timeLimit(.minutes(3))) struct TakingTests {
    private struct Undo: Error {}

    @Test("gives each row to one consumer at a time, and back when its transaction does not commit")
    func exclusive() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive([nil, nil, nil])
            let other = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take(2) == [1, 2])
                try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                    #expect(try await two.take() == [3])
                    try await two.finish(3)
                }
                let refusal = await other.refusal(of: "SELECT postrider.finish_inbox(1)")
                #expect(refusal?.message == "another transaction has row 1 of the inbox")
                #expect(refusal?.sqlState == SQLState(rawValue: "55P03"))
                try await one.finish(1)
                #expect(try await one.take() == [2])
            }
            await #expect(throws: Undo.self) {
                try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                    try await one.finish(2)
                    throw Undo()
                }
            }
            #expect(try await outbox.inbox() == ["1 done 1", "2 queued 0", "3 done 1"])
            let refusal = await outbox.refusal(of: "SELECT postrider.finish_inbox(1)")
            #expect(refusal?.sqlState == SQLState(rawValue: "P0002"))
            for statement in ["take_inbox('none')", "take_inbox('shop', 0)", "take_inbox('shop', NULL)"] {
                #expect(await outbox.refusal(of: "SELECT * FROM postrider.\(statement)") != nil)
            }
            let old = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT postrider.take_inbox('shop'); COMMIT"
            await #expect(throws: PostgresError.self) {
                try await other.execute(script: old, deadline: .seconds(5))
            }
            await other.close()
        }
    }

    @Test("of one correlation gives the first alone: while it is held, and while it waits after a failure")
    func order() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "retry_schedule => '{1 hour}'")
            try await outbox.receive(["a", "a", "b"])
            let other = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [1, 3])
                // It comes while the one before it is held, and must be found all the same when that ends.
                try await outbox.receive(["a", "b"], ids: "late")
                try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                    #expect(try await two.take() == [])
                }
                try await one.finish(1)
                try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                    #expect(try await two.take() == [])
                }
                #expect(try await one.fail(3) == "retrying")
            }
            try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                #expect(try await two.take() == [2])
                try await two.finish(2)
                #expect(try await two.take() == [4])
                try await two.finish(4)
            }
            #expect(
                try await outbox.inbox() == ["1 done 1", "2 done 1", "3 retrying 1", "4 done 1", "5 queued 0"])
            // What fails as often as its schedule allows is dead, and the next one goes.
            try await outbox.query("SELECT postrider.replay_inbox(3)")
            try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                #expect(try await two.take() == [3])
                #expect(try await two.fail(3) == "retrying")
            }
            try await outbox.query("UPDATE postrider.inbox_queue SET due_at = now() WHERE id = 3")
            try await other.withTransaction(deadline: .seconds(5)) { (two) async throws in
                #expect(try await two.take() == [3])
                #expect(try await two.fail(3, "for the last time") == "dead")
                #expect(try await two.take() == [5])
            }
            #expect(try await outbox.inbox().suffix(3) == ["3 dead 3", "4 done 1", "5 queued 0"])
            await other.close()
        }
    }

    @Test("finds rows that came when the one before them was finished, and that was not committed")
    func lateFollowers() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive(["a"])
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [1])
                try await one.finish(1)
                try await outbox.receive(["a"], ids: "late")
                try await outbox.receive(["a"], ids: "later")
            }
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [2])
                try await one.finish(2)
                #expect(try await one.take() == [3])
            }
        }
    }

    @Test("a row whose wake-up was lost is woken by the duty, and taken where another of its correlation is due")
    func lostWakeUp() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive(["a", "a", "b", "b"])
            try await outbox.script(
                """
                DELETE FROM postrider.inbox_queue WHERE id IN (1, 3);
                INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation)
                SELECT 100, q.source_id, q.received_at, q.received_at, 'b' FROM postrider.inbox_queue q WHERE q.id = 4
                """)
            _ = try await outbox.connection.withRollback { (one) async throws in
                #expect(try await one.take() == [4])
            }
            #expect(try await outbox.number("SELECT postrider.keep_inbox()") == 2)
            _ = try await outbox.connection.withRollback { (one) async throws in
                #expect(try await one.take() == [2, 4])
            }
        }
    }

    @Test("reads the same behind 1,000 rows and 100,000, of one correlation or many, and after as many that are done")
    func cost() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            func fill(_ count: Int, from first: Int, correlation: String) async throws {
                try await outbox.script(
                    """
                    INSERT INTO postrider.received (id, source_id, webhook_id, headers, body, correlation) OVERRIDING SYSTEM VALUE
                    SELECT n, 1, n, '{}', '', \(correlation) FROM generate_series(\(first), \(first + count - 1)) AS n;
                    INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation)
                    SELECT r.id, 1, CASE WHEN \(correlation) = 'hot' THEN 'infinity' ELSE r.received_at END, r.received_at, r.correlation
                    FROM postrider.received r, LATERAL (SELECT r.id AS n) x WHERE r.id BETWEEN \(first) AND \(first + count - 1)
                    """)
            }
            func pages() async throws -> Int64 {
                let take = "SELECT * FROM postrider.take_inbox('shop', 20)"
                // The first reads catalogs.
                _ = try await Plan.of(take, on: outbox.connection)
                let plan = try await Plan.of(take, on: outbox.connection)
                #expect(plan.rows == 20)
                return plan.buffers
            }
            try await fill(1_000, from: 1, correlation: "NULL")
            let small = try await pages()
            try await fill(100_000, from: 10_000, correlation: "NULL")
            let large = try await pages()
            try await fill(50_000, from: 200_000, correlation: "'hot'")
            try await fill(50_000, from: 300_000, correlation: "'key ' || n")
            try await outbox.script(
                """
                WITH gone AS (DELETE FROM postrider.inbox_queue q WHERE q.correlation IS NULL RETURNING q.*)
                INSERT INTO postrider.inbox_ends (received_at, id, status, attempts)
                SELECT g.received_at, g.id, 'done', 1 FROM gone g
                """)
            try await outbox.query("VACUUM postrider.inbox_queue")
            let keyed = try await pages()
            print(
                "pages of a take of 20 behind 1,000, behind 100,000, and behind 100,000 with correlations: \(small) \(large) \(keyed)"
            )
            #expect(small < 250 && large < small + 100 && keyed < small + 200)
        }
    }
}
