import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Events of one ordering key", .timeLimit(.minutes(4)))
struct KeyOrderTests {
    @Test("reach each endpoint in order, through failures, crashes and late settles of three workers")
    func keepsOrder() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name, timeout: "100 ms") }
            for _ in 0..<20 { try await outbox.publish(count: 50, keys: 50) }
            try await outbox.publish(count: 200)
            // Two of a key may not be in flight at once.
            let inParallel = """
                SELECT count(*) FROM (
                    SELECT 1 FROM postrider.deliveries
                    WHERE ordering_key IS NOT NULL AND lease_until > clock_timestamp()
                    GROUP BY endpoint_id, ordering_key HAVING count(*) > 1) twice
                """
            let crew = Crew(
                outbox: outbox, workers: 3, budget: 60, slack: .milliseconds(-70), invariant: inParallel)
            try await crew.run { _, generator in
                switch Int.random(in: 0..<100, using: &generator) {
                case ..<70: .settle(.delivered)
                case ..<85: .settle(.retry(after: .milliseconds(Int.random(in: 0..<20, using: &generator))))
                case ..<92: .settleLater(.delivered)
                case ..<96: .settle(.released)
                default: .abandon
                }
            }
            let disorder = """
                SELECT count(*) FROM (
                    SELECT a.event_id, lag(a.event_id) OVER (PARTITION BY a.endpoint_id, o.ordering_key ORDER BY a.started_at) AS previous
                    FROM postrider.attempts a JOIN postrider.outbox o ON o.created_at = a.event_at AND o.id = a.event_id
                    WHERE a.outcome = 0 AND o.ordering_key IS NOT NULL) s
                WHERE s.previous > s.event_id
                """
            #expect(try await outbox.number(disorder) == 0)
            let delivered = "SELECT count(DISTINCT (event_id, endpoint_id)) FROM postrider.attempts WHERE outcome = 0"
            #expect(try await outbox.number(delivered) == 2 * (50 * 20 + 200))
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome = 3") > 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("wait for the first, which waits for its retry")
    func headBlocks() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for key in ["k", "k", "l", "k"] { try await outbox.publish(key: key) }
            let worker = outbox.ownWorker()
            let first = try await worker.claim()
            #expect(first.map(\.event) == [1, 3])
            try await worker.settle(first, .retry(after: .seconds(600)))
            #expect(try await worker.claim().isEmpty)
            try await outbox.elapseDelays()
            let second = try await worker.claim()
            #expect(second.map(\.event).sorted() == [1, 3])
            try await worker.settle(second.filter { $0.event == 1 }, .dead(.attemptsExhausted))
            #expect(try await worker.work(.delivered).map(\.event) == [2])
            #expect(try await worker.work(.delivered).map(\.event) == [4])
        }
    }

    @Test("stand back for an earlier one that is committed later, and give up their place in flight")
    func earlierCommitsLater() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 5)
            let worker = try await outbox.worker(1)
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let publish = "SELECT postrider.publish('x', '1', ordering_key => 'k')"
                _ = try await transaction.query(publish, deadline: .seconds(5))
                _ = try await worker.connection.query(publish, deadline: .seconds(5))
                #expect(try await worker.claim().map(\.event) == [2])
            }
            try await outbox.lapseLeases()
            let first = try await worker.claim()
            #expect(first.map(\.event) == [1])
            #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 1)
            try await worker.settle(first, .delivered)
            #expect(try await worker.claim().map(\.event) == [2])
            #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 1)
            await worker.connection.close()
        }
    }

    @Test("are apart for each endpoint")
    func endpointsAreApart() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            for _ in 0..<2 { try await outbox.publish(key: "k") }
            let worker = outbox.ownWorker()
            let first = try await worker.claim()
            try await worker.settle(first.filter { $0.endpoint == 1 }, .delivered)
            try await worker.settle(first.filter { $0.endpoint == 2 }, .retry(after: .seconds(600)))
            let second = try await worker.claim()
            #expect(second.map(\.event) == [2] && second.map(\.endpoint) == [1])
        }
    }
}
