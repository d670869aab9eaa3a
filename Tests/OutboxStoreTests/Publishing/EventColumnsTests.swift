import OutboxStore
import Postgres
import TestSupport
import Testing

/// What a producer writes is what the worker reads.
@Suite("An event's columns", .timeLimit(.minutes(3)))
struct EventColumnsTests {
    @Test("all reach the worker")
    func carriesColumns() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query(
                """
                INSERT INTO postrider.outbox (event_type, body, content_type, ordering_key, idempotency_key, endpoint,
                    tenant, headers, deliver_after, expires_at, traceparent)
                VALUES ('order.paid', '\\xff00fe', 'application/xml; charset=utf-8', 'customer 7', 'k1', 'shop', '',
                    '{"X-Trace": "a b", "x-empty": ""}', now() - interval '1 s', now() + interval '1 hour',
                    '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01')
                """)
            let event = try await only(outbox)
            #expect(event.eventType == "order.paid")
            #expect(event.content == [0xFF, 0x00, 0xFE])
            #expect(event.bodyContentType == "application/xml; charset=utf-8")
            #expect(event.headers.sorted() == ["", "X-Trace", "a b", "x-empty"])
            #expect(event.traceparent == "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
            let expiresIn = try #require(event.expiresIn)
            #expect(expiresIn > .seconds(3500) && expiresIn <= .seconds(3600))
            #expect(event.webhookID.wholeMatch(of: /evt_[0-9a-f]{21}_1/) != nil)
            let claim = try await outbox.query("SELECT ordering_key, bytes FROM postrider.deliveries")
            #expect(claim.rows == [["customer 7", "3"]])
        }
    }

    @Test("default to a plain JSON event")
    func defaults() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '{}')")
            let event = try await only(outbox)
            #expect(event.content == Array("{}".utf8))
            #expect(event.bodyContentType == nil && event.headers.isEmpty && event.traceparent == nil)
            #expect(event.expiresIn == nil)
        }
    }

    @Test("keep every byte of a payload")
    func keepsPayload() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for payload in Payloads.json { try await outbox.publish("x", payload) }
            let events = try await all(outbox)
            #expect(events.map(\.content) == Payloads.json.map { Array($0.utf8) })
        }
    }

    @Test("keep every byte of a body")
    func keepsBody() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for body in Payloads.bodies {
                let hex = body.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
                try await outbox.query("INSERT INTO postrider.outbox (event_type, body) VALUES ('x', $1)", "\\x\(hex)")
            }
            let events = try await all(outbox)
            #expect(events.map(\.content) == Payloads.bodies)
            #expect(events.allSatisfy { $0.bodyContentType == "" })
            let sizes = try await outbox.column("SELECT bytes FROM postrider.deliveries ORDER BY id")
            #expect(sizes == Payloads.bodies.map { String($0.count) })
        }
    }

    private func only(_ outbox: TestOutbox) async throws -> StoredEvent {
        let events = try await all(outbox)
        #expect(events.count == 1)
        return try #require(events.first)
    }

    /// What a worker reads of all events, in their order.
    private func all(_ outbox: TestOutbox) async throws -> [StoredEvent] {
        let claimed = try await outbox.ownWorker().claim()
        let events = try await outbox.connection.run(FetchEvents(of: claimed), deadline: TestOutbox.deadline)
        return events.sorted { $0.id < $1.id }
    }
}
