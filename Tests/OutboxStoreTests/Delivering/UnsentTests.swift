import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// What was claimed and given back unsent uses up a number, and is an attempt nowhere.
@Suite("What was given back unsent", .timeLimit(.minutes(1)))
struct UnsentTests {
    private func withWorker(_ body: (TestOutbox, TestWorker) async throws -> Void) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let worker = TestWorker(id: 1, connection: try await outbox.connect(in: "postrider_worker"))
            try await body(outbox, worker)
            await worker.connection.close()
        }
    }

    /// Gives back everything so many times.
    private func giveBack(_ times: Int, _ worker: TestWorker) async throws {
        for _ in 0..<times { try await worker.work(.released) }
    }

    @Test("is counted neither while a delivery lives nor when it is delivered")
    func delivered() async throws {
        try await withWorker { outbox, worker in
            try await outbox.publish()
            try await giveBack(2, worker)
            #expect(try await outbox.statuses() == ["1 shop pending 0"])
            let first = try await worker.work(.retry(after: .zero))
            #expect(first.map(\.attempt) == [3] && first.map(\.attemptInSchedule) == [1])
            #expect(try await outbox.statuses() == ["1 shop retrying 1"])
            try await giveBack(1, worker)
            #expect(try await outbox.statuses() == ["1 shop retrying 1"])
            let last = try await worker.claim()
            #expect(last.map(\.attempt) == [5] && last.map(\.attemptInSchedule) == [2])
            #expect(try await outbox.statuses() == ["1 shop in_flight 2"])
            try await worker.settle(last, .delivered)
            #expect(try await outbox.statuses() == ["1 shop delivered 2"])
            // The numbers that were sent as webhook-attempt.
            #expect(try await outbox.column("SELECT attempt FROM postrider.attempt_log ORDER BY 1") == ["3", "5"])
        }
    }

    @Test("is not counted in a dead letter, and its number is not used after a replay")
    func dead() async throws {
        try await withWorker { outbox, worker in
            try await outbox.publish()
            try await giveBack(2, worker)
            try await worker.work(.dead(.attemptsExhausted))
            #expect(try await outbox.statuses() == ["1 shop dead 1"])
            #expect(try await outbox.column("SELECT attempts FROM postrider.dead_letters") == ["1"])
            try await outbox.query("SELECT postrider.replay_dead_letters()")
            #expect(try await outbox.statuses() == ["1 shop pending 1"])
            try await giveBack(1, worker)
            let again = try await worker.work(.delivered)
            #expect(again.map(\.attempt) == [5] && again.map(\.attemptInSchedule) == [1])
            #expect(try await outbox.statuses() == ["1 shop delivered 2"])
        }
    }

    @Test("is not counted where a delivery ends without being sent")
    func closed() async throws {
        try await withWorker { outbox, worker in
            for _ in 1...3 { try await outbox.publish() }
            try await giveBack(2, worker)
            try await outbox.query("SELECT postrider.cancel_event(1)")
            let claimed = try await worker.claim()
            try await outbox.query("SELECT postrider.cancel_event(2)")
            try await worker.settle(zip(claimed, [.released, .expired]).map { Settlement(madeUp: $0, $1) })
            #expect(
                try await outbox.statuses() == ["1 shop cancelled 0", "2 shop cancelled 0", "3 shop expired 0"])
        }
    }

    @Test("is counted for each delivery of a batch by itself, also in a crowd")
    func batch() async throws {
        try await withWorker { outbox, worker in
            try await outbox.publish(count: 500)
            // Every third is given back, every third is tried, the others stay as they are.
            let first = try await worker.claim()
            #expect(first.count == 500)
            try await worker.settle(
                first.map { Settlement(madeUp: $0, $0.event % 3 == 0 ? .retry(after: .zero) : .released) })
            let second = try await worker.claim()
            try await worker.settle(
                second.map { Settlement(madeUp: $0, $0.event % 3 == 1 ? .released : .delivered) })
            try await worker.work(.delivered)
            let counts = """
                SELECT event_id % 3 || ': ' || attempts || ' of ' || max(attempt) FROM postrider.event_deliveries
                JOIN postrider.attempt_log USING (event_id) WHERE status = 'delivered'
                GROUP BY event_id % 3, attempts ORDER BY 1
                """
            #expect(try await outbox.column(counts) == ["0: 2 of 2", "1: 1 of 3", "2: 1 of 2"])
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
