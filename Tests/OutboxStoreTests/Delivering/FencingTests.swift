import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// (delivery, attempt, worker) is the fencing token.
@Suite("A worker that lost its lease", .timeLimit(.minutes(3)))
struct FencingTests {
    private static let outcomes: [Settlement.Outcome] = [
        .delivered, .retry(after: .seconds(60)), .dead(.attemptsExhausted), .gone, .expired, .released,
    ]

    @Test("changes nothing, is told so, and leaves its attempt on record as stale")
    func oldAttempt() async throws {
        try await TestOutbox.withOutbox { outbox in
            let endpoint = try await outbox.registerEndpoint()
            for _ in Self.outcomes { try await outbox.publish() }
            let first = outbox.ownWorker(1)
            let second = outbox.ownWorker(2)
            let lost = try await first.claim()
            try await outbox.lapseLeases()
            let held = try await second.claim()
            #expect(held.map(\.attempt) == held.map { _ in 2 })
            let before = try await rows(outbox)

            let batch = zip(lost, Self.outcomes).map { Settlement(madeUp: $0, $1) }
            #expect(try await first.settle(batch).sorted() == lost.map(\.id).sorted())
            #expect(try await rows(outbox) == before)
            let log = try await outbox.query(
                "SELECT event_id, outcome, error_code, attempt FROM postrider.attempt_log ORDER BY event_id"
            ).rows
            #expect(log == (1...4).map { ["\($0)", "stale", "lost_lease", "1"] })
            let untouched = """
                SELECT count(*) FROM postrider.endpoint_marks m JOIN postrider.endpoints e ON e.id = m.endpoint_id
                WHERE e.state = 'active' AND m.consecutive_failures = 0 AND m.last_success_at IS NULL AND e.id = \(endpoint)
                """
            #expect(try await outbox.number(untouched) == 1)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 0)
            #expect(try await second.settle(held, .delivered) == [])
            #expect(try await outbox.statuses() == (1...6).map { "\($0) shop delivered 2" })
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is one that never had it, too")
    func otherWorker() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let claimed = try await outbox.ownWorker(1).claim()
            #expect(try await outbox.ownWorker(2).settle(claimed, .delivered) == claimed.map(\.id))
            #expect(try await outbox.statuses() == ["1 shop in_flight 1"])
            #expect(try await outbox.ownWorker(1).settle(claimed, .delivered) == [])
        }
    }

    @Test("and claimed the delivery again may settle both attempts in one batch: one counts")
    func bothAttemptsAtOnce() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 10)
            try await outbox.publish()
            let worker = outbox.ownWorker()
            let first = try await worker.claim()
            try await outbox.lapseLeases()
            let second = try await worker.claim()
            #expect(second.map(\.attempt) == [2])
            #expect(try await worker.settle(first + second, .delivered) == first.map(\.id))
            let log = "SELECT outcome FROM postrider.attempt_log ORDER BY attempt"
            #expect(try await outbox.column(log) == ["stale", "delivered"])
            #expect(try await outbox.statuses() == ["1 shop delivered 2"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("through a crash costs one attempt each time, so a poisonous event ends")
    func attemptsAreCountedAtClaim() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            for attempt: Int16 in 1...5 {
                #expect(try await outbox.ownWorker().claim().map(\.attempt) == [attempt])
                #expect(try await outbox.ownWorker().claim().isEmpty)
                try await outbox.lapseLeases()
            }
        }
    }

    @Test("had it for the endpoint's timeout and the slack, by the database's clock")
    func leaseLasts() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(timeout: "40 s")
            try await outbox.publish()
            _ = try await outbox.ownWorker(7).claim(slack: .seconds(20))
            let lease = "SELECT lease_by, round(extract(epoch FROM lease_until - now()))::int FROM postrider.deliveries"
            #expect(try await outbox.query(lease).rows == [["7", "60"]])
        }
    }

    private func rows(_ outbox: TestOutbox) async throws -> [[String?]] {
        try await outbox.query("SELECT d::text FROM postrider.deliveries d ORDER BY id").rows
    }
}
