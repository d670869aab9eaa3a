import Postgres
import TestSupport
import Testing

@Suite("The roles of receiving", .timeLimit(.minutes(3))) struct InboxRoleTests {
    private let tables = [
        "sources", "source_secrets", "received", "inbox_ids", "inbox_queue", "inbox_dead", "inbox_ends", "inbox",
        "source_settings", "source_health", "outbox", "deliveries", "endpoints", "endpoint_secrets", "settings",
    ].map { "SELECT * FROM postrider.\($0)" }
    private let acts = [
        "add_source('x', 'github')", "update_source('shop')", "rotate_source_secret('shop')", "remove_source('shop')",
        "replay_inbox(1)", "replay_dead_inbox('shop')", "discard_inbox(1, 'x')", "keep_inbox()",
        "queue_inbox(now(), '{1}', '{1}', '{NULL}', '{1}', '{x}')",
        "publish_received('{1}', '{1}', '{t}', '{x}', '{text/plain}', '{b}')",
        "publish('x', '1')", "wake_inbox(1, 'x')",
    ].map { "SELECT postrider.\($0)" }
    private let receives = [
        "SELECT * FROM postrider.load_sources()",
        """
        SELECT * FROM postrider.receive('{1}', '{a}', '{t}', '{c}', '{text/plain}', '{"{}"}', '{b}', '{192.0.2.1}')
        """,
    ]
    private let takes = [
        "SELECT * FROM postrider.take_inbox('shop', 10)", "SELECT postrider.fail_inbox(1, 'x')",
        "SELECT postrider.finish_inbox(1)",
    ]

    @Test("a receiver reads sources and stores rows, and does nothing else; published on, too")
    func receiver() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "publish_as => 'in'")
            let receiver = try await outbox.connect(in: "postrider_receiver")
            #expect(await receiver.states(of: receives) == ["-", "-"])
            for statement in tables + acts + takes {
                #expect(await receiver.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await receiver.close()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 1)
        }
    }

    @Test("a consumer takes, fails and finishes rows, and does nothing else")
    func consumer() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "retry_schedule => '{1 ms}'")
            try await outbox.receive([nil])
            let consumer = try await outbox.connect(in: "postrider_consumer")
            #expect(await consumer.states(of: takes) == ["-", "-", "-"])
            for statement in tables + acts + receives {
                #expect(await consumer.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await consumer.close()
        }
    }

    @Test("an operator sees all but secrets, and acts; a worker keeps house")
    func operatorAndWorker() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive([nil])
            let person = try await outbox.connect(in: "postrider_operator")
            let seen = ["inbox", "source_settings", "source_health", "sources", "received", "inbox_queue"]
                .map { "SELECT * FROM postrider.\($0)" }
            #expect(await person.states(of: seen) == seen.map { _ in "-" })
            let done = [
                "SELECT * FROM postrider.add_source('x', 'github')",
                "SELECT postrider.update_source('shop', max_body => 7)",
                "SELECT postrider.rotate_source_secret('shop', 'a new secret')", "SELECT postrider.replay_inbox(1)",
                "SELECT postrider.replay_dead_inbox('shop')", "SELECT postrider.discard_inbox(1, 'x')",
                "SELECT postrider.remove_source('shop')",
            ]
            #expect(await person.states(of: done) == done.map { _ in "-" })
            for statement in takes + receives + ["SELECT * FROM postrider.source_secrets"] {
                #expect(await person.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await person.close()
            let worker = try await outbox.connect(in: "postrider_worker")
            #expect(
                await worker.states(of: ["SELECT postrider.keep_inbox()", "SELECT * FROM postrider.source_health"])
                    == ["-", "-"])
            #expect(
                await worker.refusal(of: "SELECT * FROM postrider.source_secrets")?.sqlState == .insufficientPrivilege)
            await worker.close()
        }
    }
}
