import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Cancelling an event", .timeLimit(.minutes(3)))
struct CancelTests {
    private let cancel = "SELECT postrider.cancel_event(1)"

    @Test("ends what is not yet delivered, and lets the next of its key go")
    func live() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b")
            let worker = outbox.ownWorker()
            for _ in 0..<2 { try await outbox.publish(key: "k") }
            let claimed = try await worker.claim()
            try await worker.settle(claimed.filter { $0.endpoint == 1 }, .delivered)
            try await worker.settle(claimed.filter { $0.endpoint == 2 }, .retry(after: .seconds(600)))
            #expect(try await outbox.number(cancel) == 1)
            #expect(
                try await outbox.statuses() == [
                    "1 a delivered 1", "1 b cancelled 1", "2 a pending 0", "2 b pending 0",
                ])
            #expect(try await worker.claim().map(\.event) == [2, 2])
            #expect(try await outbox.number(cancel) == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("lets the running attempt be the last")
    func inFlight() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 5)
            let ends: [(Settlement.Outcome, String)] = [
                (.delivered, "delivered 1"), (.retry(after: .zero), "cancelled 1"),
                (.dead(.attemptsExhausted), "cancelled 1"), (.gone, "cancelled 1"),
                (.expired, "expired 0"), (.released, "cancelled 0"),
            ]
            let worker = outbox.ownWorker()
            for (outcome, status) in ends {
                let key = "\(outcome)"
                let event = try await outbox.publish(key: key)
                let next = try await outbox.publish(key: key)
                let claimed = try await worker.claim()
                #expect(try await outbox.number("SELECT postrider.cancel_event($1)", "\(event)") == 0, "\(outcome)")
                #expect(try await outbox.statuses().dropLast().last == "\(event) shop in_flight 1", "\(outcome)")
                #expect(try await worker.settle(claimed, outcome) == [], "\(outcome)")
                #expect(try await outbox.statuses().suffix(2) == ["\(event) shop \(status)", "\(next) shop pending 0"])
                #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 0, "\(outcome)")
                #expect(try await worker.work(.delivered).map(\.event) == [next], "\(outcome)")
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("whose running attempt never reports goes to the next worker, which gives it back")
    func lostLease() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            _ = try await outbox.ownWorker(1).claim()
            try await outbox.query(cancel)
            try await outbox.lapseLeases()
            let claimed = try await outbox.ownWorker(2).claim()
            #expect(claimed.map(\.attemptBase) == [-1])
            try await outbox.ownWorker(2).settle(claimed, .released)
            #expect(try await outbox.statuses() == ["1 shop cancelled 1"])
        }
    }

    @Test("whose lease has lapsed frees its place in flight")
    func lapsed() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 5)
            try await outbox.publish()
            _ = try await outbox.ownWorker().claim()
            try await outbox.lapseLeases()
            #expect(try await outbox.number(cancel) == 1)
            #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 0)
            #expect(try await outbox.statuses() == ["1 shop cancelled 1"])
        }
    }

    @Test("that does not exist fails, and a preview changes nothing")
    func previews() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            #expect(await outbox.refusal(of: cancel)?.sqlState?.rawValue == "P0002")
            try await outbox.publish()
            let count = try await outbox.connection.withRollback { transaction in
                try await transaction.query(cancel, deadline: .seconds(5)).first
            }
            #expect(count == "1")
            #expect(try await outbox.statuses() == ["1 shop pending 0"])
        }
    }
}
