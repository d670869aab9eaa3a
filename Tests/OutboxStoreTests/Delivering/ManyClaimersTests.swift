import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Four claimers at once", .timeLimit(.minutes(4)))
struct ManyClaimersTests {
    @Test("share 30,000 deliveries: none is claimed twice, all are settled")
    func shareWithoutOverlap() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b", "c"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish(count: 10_000)
            let claimed = try await Crew(outbox: outbox, workers: 4).run()
            #expect(claimed.count == 30_000)
            #expect(Set(claimed.map(\.id)).count == 30_000)
            #expect(claimed.allSatisfy { $0.attempt == 1 })
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome = 0") == 30_000)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("respect the budgets of each claim, and always take one")
    func budgets() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lanes = [try await outbox.registerEndpoint("a"), try await outbox.registerEndpoint("b")]
            for _ in 0..<10 { try await outbox.publish("x", "\"" + String(repeating: "x", count: 998) + "\"") }
            let worker = outbox.ownWorker()
            func released(_ claimed: [ClaimedDelivery]) async throws -> [Int32] {
                try await worker.settle(claimed, .released)
                return claimed.map(\.endpoint).sorted()
            }
            #expect(try await released(worker.claim(lanes, room: 3)) == [1, 1, 1, 2, 2, 2])
            #expect(try await released(worker.claim(lanes, budget: 4)).count == 4)
            #expect(try await released(worker.claim(lanes, bytes: 3_500)).count == 3)
            #expect(try await released(worker.claim(lanes, bytes: 10)).count == 1)
            // The ring says who comes first.
            #expect(try await released(worker.claim(lanes.reversed(), budget: 10)) == Array(repeating: 2, count: 10))
            #expect(try await outbox.statuses().allSatisfy { $0.contains(" pending ") })
        }
    }

    @Test("find a row that was committed late, due before what they read from, when a look has told of it")
    func lateCommit() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lane = try await outbox.registerEndpoint()
            let worker = try await outbox.worker(1)
            var seen = try await worker.look(since: nil).seen
            var from = PostgresTimestamp.negativeInfinity
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT postrider.publish('x', '1')", deadline: .seconds(5))
                // As if the transaction had been open for a minute.
                _ = try await transaction.query(
                    "UPDATE postrider.deliveries SET due_at = due_at - interval '1 min'", deadline: .seconds(5))
                seen = try await worker.look(since: seen).seen
                let (claimed, reports) = try await worker.claimReporting([lane])
                #expect(claimed.isEmpty)
                from = try #require(reports[lane]).from
            }
            #expect(try await worker.claimReporting([lane], from: from).deliveries.isEmpty)
            let found = try #require(try await worker.look(since: seen).lanes.first)
            #expect(found.endpoint == lane && found.dueAt < from)
            #expect(try await worker.claimReporting([lane], from: found.dueAt).deliveries.map(\.event) == [1])
            await worker.connection.close()
        }
    }
}
