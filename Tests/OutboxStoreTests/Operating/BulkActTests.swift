import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An act on many", .timeLimit(.minutes(3)))
struct BulkActTests {
    /// Endpoints `a` and `b`, and of `count` events at each: one pending, the others failed once and due in hours.
    private func fail(_ count: Int, in outbox: TestOutbox) async throws {
        for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
        try await outbox.publish(count: count - 1)
        try await outbox.ownWorker().work(.retry(after: .seconds(7200)))
        try await outbox.publish("x.late")
    }

    private let dueNow = "SELECT count(*) FROM postrider.deliveries WHERE due_at <= now() AND attempt > 0"

    @Test("makes failed deliveries due now, of an event, an endpoint or all, and says who and why")
    func retries() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await fail(5, in: outbox)
            let person = try await outbox.connect(in: "postrider_operator")
            func retried(_ call: String) async throws -> String? {
                try await person.query("SELECT postrider.\(call)", deadline: .seconds(5)).first
            }
            #expect(try await retried("retry_event(1, endpoint => 'a', why => 'fixed')") == "1")
            #expect(try await retried("retry_event(1)") == "1")
            #expect(try await retried("retry_event(1)") == "0")
            #expect(try await retried("retry_events('a', max_rows => 2)") == "2")
            #expect(try await retried("retry_events('a', event_type => 'x.*')") == "0")
            #expect(try await retried("retry_events(event_type => 'order.*', since => now() - interval '1 h')") == "4")
            #expect(try await outbox.number(dueNow) == 8)
            #expect(try await retried("retry_events(why => 'all')") == "0")
            let log = try await person.query(
                "SELECT by_whom, act, subject, count, why FROM postrider.audit_log WHERE act = 'retry' ORDER BY id",
                deadline: .seconds(5))
            #expect(
                log.rows == [
                    ["postrider_operator_user", "retry", "event 1", "1", "fixed"],
                    ["postrider_operator_user", "retry", "event 1", "1", nil],
                    ["postrider_operator_user", "retry", "endpoint a", "2", nil],
                    ["postrider_operator_user", "retry", nil, "4", nil],
                ])
            await person.close()
            // Each goes on with its second attempt, and a worker hears of it.
            #expect(try await outbox.ownWorker().claim().map(\.attempt).filter { $0 == 2 }.count == 8)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("leaves alone what a worker has, what is held behind its key, and what never failed")
    func leaves() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.publish(key: "k")
            try await outbox.publish(key: "k")
            try await outbox.publish(deliverAfter: "1 h")
            let worker = outbox.ownWorker()
            #expect(try await worker.claim().count == 1)
            #expect(try await outbox.number("SELECT postrider.retry_events()") == 0)
            #expect(try await outbox.number("SELECT postrider.retry_event(2)") == 0)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries WHERE due_at = 'infinity'") == 1)
        }
    }

    @Test("cancels by endpoint, type and time, the woken events of a key too, and marks what is in flight")
    func cancels() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name, maxInFlight: 10) }
            let lane = Int32(try await outbox.number("SELECT id FROM postrider.endpoints WHERE name = 'a'"))
            for key in ["k", "k", "k", "l"] { try await outbox.publish(key: key) }
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim([lane], budget: 1)
            #expect(claimed.count == 1)
            let why = "SELECT postrider.cancel_events"
            #expect(await outbox.refusal(of: "\(why)('a')")?.sqlState?.rawValue == "23514")
            #expect(try await outbox.number("\(why)('a', event_type => 'x.*', why => 'w')") == 0)
            #expect(try await outbox.number("\(why)('a', max_rows => 2, why => 'w')") == 2)
            #expect(try await outbox.number("\(why)('a', why => 'w')") == 2)
            #expect(try await outbox.number("\(why)('a', why => 'w')") == 0)
            // The one in flight ends with its attempt.
            #expect(try await worker.settle(claimed, .retry(after: .zero)) == [])
            #expect(
                try await outbox.statuses() == [
                    "1 a cancelled 1", "1 b pending 0", "2 a cancelled 0", "2 b pending 0", "3 a cancelled 0",
                    "3 b pending 0", "4 a cancelled 0", "4 b pending 0",
                ])
            #expect(try await outbox.number("SELECT sum(leased) FROM postrider.lanes") == 0)
            let reasons = "SELECT DISTINCT reason FROM postrider.closed"
            #expect(try await outbox.column(reasons) == ["cancelled by postgres: w"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("of thousands goes slice by slice, and wakes what waits in between")
    func slices() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.publish(count: 2500, keys: 3)
            let worker = outbox.ownWorker()
            // Parks what waits for its key.
            for _ in 0..<6 { try await worker.work(.retry(after: .seconds(60))) }
            #expect(
                try await outbox.number("SELECT postrider.cancel_events('a', max_rows => 3000, why => 'w')") == 2500)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
            #expect(try await outbox.number("SELECT count FROM postrider.audit_log WHERE act <> 'register'") == 2500)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("fails soon, and changes nothing, while another session holds the lane")
    func heldLane() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await fail(3, in: outbox)
            let other = try await outbox.connect()
            try await other.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query(
                    "SELECT FROM postrider.lanes WHERE endpoint_id = 1 FOR UPDATE", deadline: .seconds(5))
                let refusal = await outbox.refusal(of: "SELECT postrider.retry_events()")
                #expect(refusal?.sqlState == .lockNotAvailable)
                #expect(try await outbox.number("SELECT postrider.retry_events('b')") == 2)
            }
            #expect(try await outbox.number("SELECT postrider.retry_events()") == 2)
            await other.close()
        }
    }

    @Test("discards dead letters with the reason, those of removed endpoints too")
    func discards() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            for type in ["order.paid", "order.sent", "x"] { try await outbox.publish(type) }
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            try await outbox.query("SELECT postrider.remove_endpoint('a')")
            let discard = "SELECT postrider.discard_dead_letters"
            #expect(await outbox.refusal(of: "\(discard)('a')")?.sqlState?.rawValue == "23514")
            #expect(try await outbox.number("\(discard)('a', event_type => 'order.*', why => 'gone')") == 2)
            #expect(try await outbox.number("\(discard)('b', max_rows => 1, why => 'gone')") == 1)
            #expect(try await outbox.number("\(discard)(until => now() - interval '1 h', why => 'gone')") == 0)
            #expect(try await outbox.number("\(discard)(why => 'gone')") == 3)
            let reasons = "SELECT DISTINCT status || ' ' || reason FROM postrider.closed"
            #expect(try await outbox.column(reasons) == ["dead discarded: gone"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("replays dead letters to another endpoint, once, and only within the tenant")
    func replaysElsewhere() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["old", "both"] { try await outbox.registerEndpoint(name, types: ["order.paid"]) }
            for name in ["new", "elsewhere"] {
                try await outbox.registerEndpoint(name, types: ["x"], tenant: name == "new" ? "" : "t")
            }
            for _ in 0..<3 { try await outbox.publish() }
            let worker = outbox.ownWorker()
            for _ in 0..<2 { try await worker.work(.retry(after: .zero)) }
            try await worker.work(.dead(.attemptsExhausted))
            try await outbox.query("SELECT postrider.remove_endpoint('old')")
            let letters = "SELECT count(*) FROM postrider.dead_letters WHERE endpoint = 'old'"
            let first = try await outbox.number("SELECT min(id) FROM postrider.dead_letters WHERE endpoint = 'old'")
            #expect(
                await outbox.refusal(of: "SELECT postrider.replay_dead_letter(\(first))")?.message.contains(
                    "was removed")
                    == true)
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters('old')") == 0)
            #expect(
                try await outbox.number("SELECT postrider.replay_dead_letters('old', to_endpoint => 'elsewhere')") == 0)
            #expect(try await outbox.number("SELECT postrider.replay_dead_letter(\(first), to_endpoint => 'new')") == 1)
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters('old', to_endpoint => 'new')") == 2)
            #expect(try await outbox.number(letters) == 0)
            // What `new` has already, it does not get again.
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters('both', to_endpoint => 'new')") == 0)
            let claimed = try await worker.claim()
            #expect(claimed.map(\.attempt) == [1, 1, 1])
            try await worker.settle(claimed, .delivered)
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters('both', to_endpoint => 'new')") == 0)
            #expect(
                try await outbox.statuses()
                    == (1...3).flatMap {
                        ["\($0) both dead 3", "\($0) new delivered 1", "\($0) old dead 3"]
                    })
            let reasons = "SELECT DISTINCT reason FROM postrider.closed"
            #expect(try await outbox.column(reasons) == ["replayed to new"])
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
