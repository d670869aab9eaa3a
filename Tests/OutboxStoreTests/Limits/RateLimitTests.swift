import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A rate limit", .timeLimit(.minutes(3)))
struct RateLimitTests {
    @Test("is never exceeded by three claimers, by the database's clock, and is used up")
    func neverExceeded() async throws {
        let rate = 400.0
        let burst = 1 + rate / 20
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(rateLimit: rate)
            try await outbox.publish(count: 500)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number: Int32 in 1...3 {
                    group.addTask {
                        let worker = try await outbox.worker(number)
                        let held = "SELECT count(*) FROM postrider.deliveries WHERE lease_by <> 0"
                        while try await worker.connection.query(held, deadline: .seconds(5)).first != "500" {
                            _ = try await worker.claim([1])
                        }
                        await worker.connection.close()
                    }
                }
                try await group.waitForAll()
            }
            // A lease began 30 seconds, timeout and slack, before it ends.
            let claimedAt = try await outbox.column(
                "SELECT extract(epoch FROM lease_until - interval '30 s') FROM postrider.deliveries ORDER BY lease_until"
            ).compactMap { $0.flatMap { Double($0) } }
            #expect(claimedAt.count == 500)
            let excess = claimedAt.indices.flatMap { first in
                claimedAt.indices[first...].map { last in
                    Double(last - first + 1) - burst - rate * (claimedAt[last] - claimedAt[first])
                }
            }.max()
            #expect((excess ?? 1) <= 0.01)
            let span = (claimedAt.last ?? 0) - (claimedAt.first ?? 0)
            #expect(span < 3 * 500 / rate, "\(span) s")
        }
    }

    @Test("below one a second lets one go at a time")
    func slow() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(rateLimit: 0.01)
            try await outbox.publish(count: 3)
            #expect(try await outbox.ownWorker().claim().count == 1)
            #expect(try await outbox.ownWorker().claim().isEmpty)
        }
    }

    @Test("stands a claim that began later and was quicker, and a clock that was set back")
    func bucketAhead() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(rateLimit: 1000)
            try await outbox.publish(count: 200)
            let worker = outbox.ownWorker()
            for (ahead, count) in [("0.5 s", 0), ("1 hour", 51)] {
                try await outbox.query(
                    "UPDATE postrider.lanes SET tokens = 0, tokens_at = clock_timestamp() + $1::interval", ahead)
                #expect(try await worker.claim().count == count, "\(ahead)")
            }
            let isNow = "SELECT (tokens_at BETWEEN now() - interval '5 s' AND now())::int FROM postrider.lanes"
            #expect(try await outbox.number(isNow) == 1)
        }
    }
}
