import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Of an ordering key that is coalesced", .timeLimit(.minutes(3)))
struct CoalesceTests {
    private func withShop(_ body: (TestOutbox, TestWorker) async throws -> Void) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query(#"SELECT postrider.update_endpoint('shop', "coalesce" => true)"#)
            // With a worker's rights and no others.
            let connection = try await outbox.connect(in: "postrider_worker")
            try await body(outbox, TestWorker(id: 1, connection: connection))
            await connection.close()
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("the newest goes and the others are superseded; events without a key all go")
    func newest() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(count: 300, keys: 3)
            try await outbox.publish(count: 2)
            let (claimed, reports) = try await worker.claimReporting()
            #expect(claimed.map(\.event) == [298, 299, 300, 301, 302])
            #expect(reports[1]?.superseded == 297)
            try await worker.settle(claimed, .delivered)
            let superseded = """
                SELECT count(*) FROM postrider.event_deliveries
                WHERE status = 'superseded' AND attempts = 0 AND reason LIKE 'by event %' AND finished_at IS NOT NULL
                """
            #expect(try await outbox.number(superseded) == 297)
        }
    }

    @Test("what is in flight is left, and the newest of what came since goes after it")
    func inFlight() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(key: "k")
            let first = try await worker.claim()
            for _ in 2...5 { try await outbox.publish(key: "k") }
            #expect(try await worker.claim().isEmpty)
            try await worker.settle(first, .delivered)
            #expect(try await worker.work(.delivered).map(\.event) == [5])
            #expect(
                try await outbox.statuses() == [
                    "1 shop delivered 1", "2 shop superseded 0", "3 shop superseded 0", "4 shop superseded 0",
                    "5 shop delivered 1",
                ])
        }
    }

    @Test("one that waits for its next attempt is superseded too, with what its last attempt said")
    func retrying() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(key: "k")
            let claimed = try await worker.claim()
            var failed = Settlement(madeUp: claimed[0], .retry(after: .seconds(3600)))
            failed.startedAt = .now
            try await worker.settle([failed])
            try await outbox.publish(key: "k")
            #expect(try await worker.work(.delivered).map(\.event) == [2])
            let row =
                "SELECT status || ' ' || attempts || ' ' || last_http_status FROM postrider.event_deliveries WHERE event_id = 1"
            #expect(try await outbox.column(row) == ["superseded 1 503"])
        }
    }

    @Test("one that is not due yet supersedes nothing, and is superseded by one that is")
    func later() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(key: "k")
            try await outbox.publish(key: "k", deliverAfter: "1 hour")
            #expect(try await worker.work(.delivered).map(\.event) == [1])
            try await outbox.publish(key: "k")
            #expect(try await worker.work(.delivered).map(\.event) == [3])
            #expect(try await outbox.statuses()[1] == "2 shop superseded 0")
        }
    }

    @Test("one that is replayed is older than what came after it")
    func replayed() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(key: "k")
            try await worker.work(.dead(.attemptsExhausted))
            try await outbox.publish(key: "k")
            try await outbox.query("SELECT postrider.replay_dead_letter((SELECT id FROM postrider.dead_letters))")
            var sent: [Int64] = []
            for _ in 0..<3 { sent += try await worker.work(.delivered).map(\.event) }
            #expect(sent == [2])
            #expect(try await outbox.statuses() == ["1 shop superseded 1", "2 shop delivered 1"])
        }
    }

    @Test("nothing waits for ever where it is turned on for what waits already")
    func turnedOn() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let worker = outbox.ownWorker()
            for _ in 1...3 { try await outbox.publish(key: "k") }
            try await worker.settle(try await worker.claim(), .retry(after: .seconds(3600)))
            try await outbox.query(#"SELECT postrider.update_endpoint('shop', "coalesce" => true)"#)
            try await outbox.elapseDelays()
            var sent: [Int64] = []
            for _ in 0..<2 { sent += try await worker.work(.delivered).map(\.event) }
            #expect(sent == [3])
        }
    }

    @Test("a long backlog ends in portions, and not one old event goes")
    func portions() async throws {
        try await withShop { outbox, worker in
            try await outbox.publish(count: 5_000, keys: 1)
            var sent: [Int64] = []
            var counts: [Int32] = []
            while sent.isEmpty, counts.count < 9 {
                let (claimed, reports) = try await worker.claimReporting([1])
                counts.append(reports[1]?.superseded ?? 0)
                sent += claimed.map(\.event)
                try await worker.settle(claimed, .delivered)
            }
            #expect(sent == [5_000])
            #expect(counts == [2_000, 2_000, 999])
        }
    }
}
