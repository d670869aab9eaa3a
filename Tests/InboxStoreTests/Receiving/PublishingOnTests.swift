import Inbox
import InboxStore
import Postgres
import TestSupport
import Testing

@Suite("Publishing on what was received", .timeLimit(.minutes(3))) struct PublishingOnTests {
    @Test("makes events in the same transaction, whose types are valid and whose bodies are what came")
    func events() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.registerEndpoint(types: ["in.shop.*"], tenant: "acme")
            try await outbox.addSource("shop", "publish_as => 'in.shop', tenant => 'acme'")
            let deep = Array(repeating: UInt8(ascii: "["), count: 100_000)
            let requests = [
                ReceivedWebhook(
                    madeUp: "a", type: "orders/create", correlation: "42", body: Array(#"{"a": 1.10}"#.utf8)),
                ReceivedWebhook(madeUp: "b", type: "..a..b c.", contentType: "text/plain", body: Array("{}".utf8)),
                ReceivedWebhook(madeUp: "c", type: "payment.paid", contentType: "no type", body: [0xff]),
                ReceivedWebhook(madeUp: "d", type: "x", contentType: nil, body: Array("[1]".utf8)),
                ReceivedWebhook(madeUp: "e", type: "x", contentType: "application/cloudevents+json; v=1", body: []),
                ReceivedWebhook(madeUp: "f", type: String(repeating: "long.", count: 100), body: deep),
            ]
            try await outbox.withStore { (store) async throws in
                #expect(try await store.receive(requests).allSatisfy(\.isNew))
                #expect(try await store.receive(requests).allSatisfy { !$0.isNew })
            }
            #expect(
                try await outbox.column(
                    """
                    SELECT concat_ws(' ', o.event_type, o.payload, o.body, o.content_type, o.ordering_key, o.tenant)
                    FROM postrider.outbox o ORDER BY o.id LIMIT 5
                    """) == [
                        #"in.shop.orders_create {"a": 1.10} 42 acme"#,
                        #"in.shop.a.b_c \x7b7d text/plain acme"#,
                        #"in.shop.payment.paid \xff application/octet-stream acme"#,
                        "in.shop.x [1] acme",
                        #"in.shop.x \x application/cloudevents+json; v=1 acme"#,
                    ])
            #expect(
                try await outbox.number(
                    "SELECT octet_length(body) FROM postrider.outbox WHERE event_type LIKE 'in.shop.long.%.long'")
                    == 100_000)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 6)
            #expect(try await outbox.inbox().allSatisfy { $0.hasSuffix("published 0") })
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox_queue") == 0)
            #expect(
                await outbox.refusal(of: "SELECT postrider.replay_inbox(1)")?.message
                    == "row 1 of the inbox was published as event 1: replay the event")
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("a body that came while the prefix was set and is too large for an event stays in the inbox")
    func tooLarge() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "publish_as => 'in'")
            try await outbox.withStore { (store) async throws in
                let body = [UInt8](repeating: 32, count: 262_145)
                #expect(try await store.receive([ReceivedWebhook(madeUp: "a", body: body)]).map(\.isNew) == [true])
            }
            #expect(try await outbox.inbox() == ["1 queued 0"])
            let refusal = await outbox.refusal(of: "SELECT postrider.update_source('shop', max_body => 262145)")
            #expect(refusal?.report?.column == "max_body")
        }
    }
}
