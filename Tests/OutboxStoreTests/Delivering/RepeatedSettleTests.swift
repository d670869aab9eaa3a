import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// A settle whose answer never came is sent again.
@Suite("A settle that is sent again", .timeLimit(.minutes(3)))
struct RepeatedSettleTests {
    private static let outcomes: [Settlement.Outcome] = [
        .delivered, .retry(after: .seconds(60)), .dead(.attemptsExhausted), .expired, .released,
    ]
    private let everything = """
        SELECT (SELECT string_agg(d::text, ' ' ORDER BY id) FROM postrider.deliveries d),
               (SELECT string_agg(a::text, ' ' ORDER BY event_id) FROM postrider.attempts a),
               (SELECT string_agg(x::text, ' ' ORDER BY id) FROM postrider.dead x),
               (SELECT string_agg(c::text, ' ' ORDER BY event_id) FROM postrider.closed c),
               (SELECT string_agg(m::text, ' ') FROM postrider.endpoint_marks m),
               (SELECT string_agg(l::text, ' ') FROM postrider.lanes l)
        """

    @Test("records nothing twice if it was applied")
    func applied() async throws {
        try await TestOutbox.withOutbox { outbox in
            let (worker, batch) = try await prepare(outbox)
            #expect(try await worker.settle(batch) == [])
            let before = try await outbox.query(everything)
            let stale = try await worker.settle(batch, again: true)
            // Of those that sent nothing there is no attempt to know them by, and nothing to lose.
            #expect(stale == batch.filter { $0.outcome == .expired || $0.outcome == .released }.map(\.delivery.id))
            #expect(try await outbox.query(everything) == before)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("records everything if it never arrived")
    func lost() async throws {
        try await TestOutbox.withOutbox { outbox in
            let (worker, batch) = try await prepare(outbox)
            #expect(try await worker.settle(batch, again: true) == [])
            #expect(
                try await outbox.statuses() == [
                    "1 shop delivered 1", "2 shop retrying 1", "3 shop dead 1", "4 shop expired 0", "5 shop pending 0",
                ])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts") == 3)
        }
    }

    @Test("does not take another worker's record for its own")
    func otherWorkersAttempt() async throws {
        try await TestOutbox.withOutbox { outbox in
            let (worker, batch) = try await prepare(outbox)
            let other = outbox.ownWorker(9)
            try await other.settle(batch)
            #expect(try await worker.settle(batch, again: true) == [])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE worker = 1") == 3)
        }
    }

    @Test("records what it applies, though this worker recorded a stale attempt of that number before a failover")
    func staleBefore() async throws {
        try await TestOutbox.withOutbox { outbox in
            let (worker, batch) = try await prepare(outbox)
            try await outbox.script(
                """
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt,
                                                outcome, worker)
                SELECT now(), d.event_at, d.event_id, d.endpoint_id, e.url_id, 1, d.attempt, 3, d.lease_by
                FROM postrider.deliveries d JOIN postrider.endpoints e ON e.id = d.endpoint_id
                """)
            #expect(try await worker.settle(batch, again: true) == [])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome <> 3") == 3)
        }
    }

    @Test("does not touch what was claimed again under a new token", arguments: [1, 40] as [Int16])
    func claimedAgain(first: Int16) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 100)
            try await outbox.publish()
            let worker = outbox.ownWorker()
            try await outbox.query(
                "UPDATE postrider.deliveries SET attempt = \(first - 1), attempt_base = \(first - 1)")
            let claimed = try await worker.claim()
            // Its answer is lost.
            try await worker.settle(claimed, .released)
            let again = try await worker.claim()
            #expect(again.map(\.id) == claimed.map(\.id) && again.map(\.attempt) == [first + 1])
            #expect(again.map(\.attemptInSchedule) == [1])
            let before = try await outbox.query(everything)
            #expect(try await worker.settle(claimed, .released, again: true) == claimed.map(\.id))
            #expect(try await outbox.query(everything) == before)
            #expect(try await worker.settle(again, .delivered) == [])
            // One of them was given back.
            #expect(try await outbox.statuses() == ["1 shop delivered \(first)"])
        }
    }

    @Test("leaves numbers for ever, however often deliveries are given back")
    func numbersDoNotRunOut() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            try await outbox.query("UPDATE postrider.deliveries SET attempt = 31998, attempt_base = 31998")
            for _ in 0..<10 {
                let claimed = try await outbox.ownWorker().claim()
                #expect(claimed.map(\.attemptInSchedule) == [1])
                #expect(try await outbox.ownWorker().settle(claimed, .released) == [])
            }
        }
    }

    private func prepare(_ outbox: TestOutbox) async throws -> (TestWorker, [Settlement]) {
        try await outbox.registerEndpoint(maxInFlight: 100)
        for _ in Self.outcomes { try await outbox.publish() }
        let worker = outbox.ownWorker()
        let claimed = try await worker.claim()
        return (worker, zip(claimed, Self.outcomes).map { Settlement(madeUp: $0, $1) })
    }
}
