import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// Attempt numbers end at 32,767. One delivery that has got there holds up no other.
@Suite("The last attempt number", .timeLimit(.minutes(1)))
struct LastNumberTests {
    @Test("one delivery at it ends as a dead letter, and the others of its lane and of all lanes are claimed")
    func oneAtTheTop() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b", "c"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish(count: 5)
            try await outbox.query(
                """
                UPDATE postrider.deliveries SET attempt = 32767, attempt_base = 32767
                WHERE id = (SELECT min(id) FROM postrider.deliveries)
                """)
            let connection = try await outbox.connect(in: "postrider_worker")
            let worker = TestWorker(id: 1, connection: connection)
            let claimed = try await worker.claim()
            #expect(claimed.count == 15)
            let last = claimed.filter(\.hasLastNumber)
            #expect(last.count == 1)
            #expect(try await worker.settle(last, .dead(.attemptsExhausted)) == [])
            #expect(try await worker.settle(claimed.filter { !$0.hasLastNumber }, .delivered) == [])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead_letters WHERE attempts = 32767") == 1)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
            #expect(try await outbox.discrepancies() == [])
            await connection.close()
        }
    }

    @Test("the one before it is still counted up")
    func oneBelow() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            try await outbox.query("UPDATE postrider.deliveries SET attempt = 32765")
            let worker = outbox.ownWorker()
            #expect(try await worker.work(.retry(after: .zero)).map(\.attempt) == [32_766])
            try await outbox.elapseDelays()
            #expect(try await worker.claim().map(\.hasLastNumber) == [true])
        }
    }
}
