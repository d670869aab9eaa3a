import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The next event of a key", .timeLimit(.minutes(4)))
struct WakeUpTests {
    @Test("is always woken, however settling the one before races with claims that put it to sleep")
    func hammered() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            let producer = try await outbox.connect()
            async let produced: Void = {
                for _ in 0..<40 {
                    _ = try await producer.query(
                        """
                        INSERT INTO postrider.outbox (event_type, payload, ordering_key)
                        SELECT 'x', '1', 'key ' || n % 7 FROM generate_series(1, 21) AS n
                        """, deadline: .seconds(10))
                }
            }()
            try await outbox.wait(for: "SELECT EXISTS (SELECT FROM postrider.deliveries)")
            try await Crew(outbox: outbox, workers: 4, budget: 40).run()
            try await produced
            await producer.close()
            try await Crew(outbox: outbox, workers: 4, budget: 40).run()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome = 0") == 2 * 40 * 21)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    /// In slow motion: the settle has deleted the head, and a claim that still sees the head would put the next one to sleep
    /// after the settle has looked for it. But the settle locked the lane before.
    @Test("is not put to sleep by a claim while a settle ends the one before")
    func slowMotion() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(key: "k")
            let claimed = try await outbox.ownWorker(1).claim()
            try await outbox.publish(key: "k")
            let hold = try await outbox.holdSettles()
            let settling = Task { try await outbox.settleElsewhere(claimed, .delivered) }
            try await outbox.waitForBlocked(1)
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let claim =
                    "SELECT * FROM postrider.claim(2, '{1}', '{-infinity}', '{5}', 5, 1000, '15 s') WHERE state IS NULL"
                let claimed = try await transaction.query(claim, deadline: .seconds(5)).rows
                #expect(claimed.isEmpty)
                let asleep = "SELECT count(*) FROM postrider.deliveries WHERE due_at = 'infinity'"
                let sleeping = try await transaction.query(asleep, deadline: .seconds(5)).first
                #expect(sleeping == "0")
            }
            await hold.close()
            #expect(try await settling.value == [])
            #expect(try await outbox.ownWorker(2).claim().map(\.event) == [2])
        }
    }

    @Test("is woken by housekeeping if it should ever sleep for good")
    func keepKeys() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for _ in 0..<3 { try await outbox.publish(key: "k") }
            _ = try await outbox.ownWorker().claim()
            try await outbox.script("DELETE FROM postrider.deliveries WHERE event_id = 1")
            #expect(try await outbox.ownWorker().claim().isEmpty)
            #expect(try await outbox.number("SELECT postrider.keep_keys()") == 1)
            #expect(try await outbox.ownWorker().claim().map(\.event) == [2])
            try await outbox.renewDuty("keys")
            #expect(try await outbox.number("SELECT postrider.keep_keys()") == 0)
        }
    }
}
