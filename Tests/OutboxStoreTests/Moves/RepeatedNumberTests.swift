import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("When a sequence was set back", .timeLimit(.minutes(3)))
struct RepeatedNumberTests {
    private let restart = "ALTER SEQUENCE postrider.outbox_id_seq RESTART"

    @Test("each of two events of one number keeps its content, its tenant and its books")
    func twoEvents() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("one", tenant: "t1")
            try await outbox.registerEndpoint("two", tenant: "t2")
            try await outbox.publish("a.b", #"{"to":"alice"}"#, tenant: "t1")
            try await outbox.query(restart)
            try await outbox.publish("a.b", #"{"to":"bob"}"#, tenant: "t2")
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim().sorted { $0.endpoint < $1.endpoint }
            #expect(claimed.map(\.event) == [1, 1])
            let events = try await outbox.connection.run(FetchEvents(of: claimed), deadline: TestOutbox.deadline)
            let contents = claimed.map { delivery in
                events.filter { $0.key == delivery.eventKey }.map { String(decoding: $0.content, as: UTF8.self) }
            }
            #expect(contents == [[#"{"to":"alice"}"#], [#"{"to":"bob"}"#]])
            #expect(Set(events.map(\.webhookID)).count == 2)
            try await worker.settle([claimed[0]], .delivered)
            try await worker.settle([claimed[1]], .dead(.attemptsExhausted))
            #expect(
                try await outbox.column(
                    "SELECT concat_ws(' ', tenant, endpoint, status) FROM postrider.event_deliveries ORDER BY tenant")
                    == ["t1 one delivered", "t2 two dead"])
            #expect(
                try await outbox.column("SELECT payload->>'to' FROM postrider.dead_letters") == ["bob"])
            #expect(try await outbox.column("SELECT 1 FROM postrider.unaccounted") == [])
        }
    }

    @Test("the history of one event accounts for no other of its number")
    func repair() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            try await outbox.ownWorker().work(.delivered)
            try await outbox.query(restart)
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.publish()
            try await outbox.query("SET session_replication_role = origin")
            #expect(try await outbox.column("SELECT event_id FROM postrider.unaccounted") == ["1"])
            #expect(try await outbox.number("SELECT postrider.repair_fan_out('-infinity')") == 1)
            #expect(try await outbox.statuses().sorted() == ["1 shop delivered 1", "1 shop pending 0"])
        }
    }

    @Test("cancelling asks which event is meant, and cancels that one")
    func cancel() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(tenant: "")
            try await outbox.query(restart)
            try await outbox.publish(tenant: "")
            let refusal = await outbox.refusal(of: "SELECT postrider.cancel_event(1)")
            #expect(refusal?.message.contains("several events have the number 1") == true)
            let cancel = "SELECT postrider.cancel_event(1, (SELECT max(created_at) FROM postrider.outbox))"
            #expect(try await outbox.number(cancel) == 1)
            #expect(
                try await outbox.column("SELECT status FROM postrider.event_deliveries ORDER BY created_at") == [
                    "pending", "cancelled",
                ])
        }
    }

    @Test("a delivery whose number a dead letter has ends as a dead letter too, with its attempt logged")
    func deadTwice() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b")
            let worker = outbox.ownWorker()
            for _ in 1...2 {
                for _ in 1...3 { try await outbox.publish() }
                try await worker.work(.dead(.attemptsExhausted))
                try await outbox.query("ALTER SEQUENCE postrider.deliveries_id_seq RESTART")
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 12)
            #expect(try await outbox.number("SELECT count(DISTINCT event_id) FROM postrider.dead") == 6)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome = 2") == 12)
            #expect(try await outbox.discrepancies() == [])
            let ids = try await outbox.column("SELECT DISTINCT webhook_id FROM postrider.dead_letters ORDER BY 1")
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters()") == 12)
            let pending = "postrider.event_deliveries WHERE status = 'pending'"
            #expect(try await outbox.column("SELECT DISTINCT webhook_id FROM \(pending) ORDER BY 1") == ids)
        }
    }
}
