import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A key of which an event died", .timeLimit(.minutes(3)))
struct OrderingFailureTests {
    /// Three events of key `k`, of which the first died, and one of another key, which was delivered.
    private func die(_ policy: String, _ outbox: TestOutbox) async throws -> TestWorker {
        try await outbox.registerEndpoint()
        try await outbox.query("SELECT postrider.update_endpoint('shop', ordering_failure => $1)", policy)
        for key in ["k", "k", "k", "other"] { try await outbox.publish(key: key) }
        let worker = outbox.ownWorker()
        let claimed = try await worker.claim()
        #expect(claimed.map(\.event) == [1, 4])
        try await worker.settle([
            Settlement(madeUp: claimed[0], .dead(.attemptsExhausted)), Settlement(madeUp: claimed[1], .delivered),
        ])
        return worker
    }

    private func deliver(_ worker: TestWorker, _ count: Int) async throws -> [Int64] {
        var events: [Int64] = []
        for _ in 0..<count { events += try await worker.work(.delivered).map(\.event) }
        return events
    }

    @Test("goes on where it is skipped")
    func skip() async throws {
        try await TestOutbox.withOutbox { outbox in
            let worker = try await die("skip", outbox)
            #expect(try await deliver(worker, 3) == [2, 3])
        }
    }

    @Test("stops where it blocks, other keys do not; a replay goes before the others, a discard lets them go")
    func block() async throws {
        try await TestOutbox.withOutbox { outbox in
            let worker = try await die("block", outbox)
            try await outbox.publish(key: "k")
            try await outbox.publish(key: "other")
            #expect(try await deliver(worker, 2) == [6])
            let blocked =
                "SELECT event_id || ' ' || status || ' ' || waits_for FROM postrider.event_deliveries WHERE status = 'blocked' ORDER BY 1"
            #expect(try await outbox.column(blocked) == ["2 blocked 1", "3 blocked 2", "5 blocked 2"])
            try await outbox.renewDuty("keys")
            try await outbox.query("SELECT postrider.keep_keys()")
            #expect(try await deliver(worker, 2) == [])
            try await outbox.query("SELECT postrider.replay_dead_letter(1)")
            let replayed = try await worker.claim()
            #expect(replayed.map(\.event) == [1] && replayed.map(\.id) == [1] && replayed.map(\.attempt) == [2])
            try await worker.settle(replayed, .dead(.attemptsExhausted))
            #expect(try await deliver(worker, 2) == [])
            try await outbox.query("SELECT postrider.discard_dead_letter(1, 'too old')")
            #expect(try await deliver(worker, 4) == [2, 3, 5])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test(
        "and its later events become dead letters where they are parked, and go in their order when they are replayed")
    func park() async throws {
        try await TestOutbox.withOutbox { outbox in
            let worker = try await die("park", outbox)
            let dead = "SELECT event_id || ' ' || reason FROM postrider.dead_letters ORDER BY id"
            #expect(try await outbox.column(dead) == ["1 attempts_exhausted", "2 key_parked", "3 key_parked"])
            // One that comes later too: the claim puts it aside, and the duty does the rest.
            try await outbox.publish(key: "k")
            #expect(try await deliver(worker, 2) == [])
            try await outbox.renewDuty("keys")
            try await outbox.query("SELECT postrider.keep_keys()")
            #expect(try await outbox.column(dead).last == "5 key_parked")
            try await outbox.query("SELECT postrider.discard_dead_letter(1, 'too old')")
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters('shop')") == 3)
            try await outbox.publish(key: "k")
            #expect(try await deliver(worker, 5) == [2, 3, 5, 6])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("many of them at once, discarded together, all go on")
    func many() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SELECT postrider.update_endpoint('shop', ordering_failure => 'block')")
            try await outbox.publish(count: 120, keys: 40)
            let worker = outbox.ownWorker()
            try await worker.work(.dead(.attemptsExhausted))
            #expect(try await worker.claim().isEmpty)
            #expect(try await outbox.number("SELECT postrider.discard_dead_letters('shop', why => 'x')") == 40)
            #expect(try await deliver(worker, 3).count == 80)
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
