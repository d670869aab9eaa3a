import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("the hot path")
    struct ScanTests {
        @Test("scans no table from end to end, with right and with wrong statistics", arguments: [false, true])
        func noScans(analyzed: Bool) async throws {
            try await TestOutbox.withOwnServer { outbox in
                for name in ["a", "b", "c"] {
                    try await outbox.registerEndpoint(name, maxInFlight: 10_000, rateLimit: 100_000)
                }
                try await outbox.publish(count: 4_000)
                try await outbox.publish(count: 1_000, keys: 500)
                try await outbox.query("SELECT postrider.update_endpoint('c', max_in_flight => 0, rate_limit => 0)")
                if analyzed { try await outbox.script("ANALYZE") }
                let worker = try await outbox.worker(1)
                let before = try await scans(worker)
                for again in [false, false, true, false, false, false, true, false] {
                    try await step(worker, again: again)
                }
                let after = try await scans(worker)
                #expect(after.filter { $0.value > before[$0.key] ?? 0 } == [:])

                // That the count does not lie.
                _ = try await worker.connection.query(
                    "SELECT count(*) FROM postrider.deliveries", deadline: .seconds(5))
                let control = try await scans(worker)
                #expect(control["deliveries"] == (after["deliveries"] ?? 0) + 1)
                await worker.connection.close()
            }
        }

        /// How often each table was scanned from end to end.
        private func scans(_ worker: TestWorker) async throws -> [String: Int64] {
            try await TableStatistics.read(worker.connection).mapValues(\.sequentialScans).filter {
                $0.key.prefixMatch(of: /deliveries|lanes|endpoint_marks|outbox|attempts/) != nil
            }
        }

        private func step(_ worker: TestWorker, again: Bool) async throws {
            let seen = try await worker.look(since: nil).seen
            let lanes = try await worker.walk().map(\.endpoint)
            let claimed = try await worker.claim(lanes, room: 100, budget: 300)
            #expect(!claimed.isEmpty)
            let events = try await worker.connection.run(FetchEvents(of: claimed), deadline: .seconds(5))
            #expect(events.count == Set(claimed.map(\.event)).count)
            let outcomes: [Settlement.Outcome] = [
                .delivered, .delivered, .retry(after: .seconds(60)), .delivered, .dead(.attemptsExhausted), .expired,
            ]
            try await worker.settle(
                claimed.enumerated().map { Settlement(madeUp: $1, outcomes[$0 % outcomes.count]) },
                again: again)
            #expect(try await !worker.look(since: seen).lanes.isEmpty)
        }
    }
}
