import OutboxStore
import Postgres
import TestSupport
import Testing

/// Which endpoints an event is owed to.
@Suite("An event", .timeLimit(.minutes(3)))
struct RoutingTests {
    /// A pattern, a type, and whether they match.
    static let patterns = [
        ("order.paid", "order.paid", true), ("order.paid", "order.paid.late", false), ("order.*", "order.paid", true),
        ("order.*", "order.paid.late", true), ("order.paid.*", "order.paid.late.again", true),
        ("order.*", "order", false),
        ("order.*", "orders.paid", false), ("order.paid.*", "order.paid", false), ("*", "x", true),
        ("*", "a.b.c.d", true),
        ("order.Paid", "order.paid", false), ("a_b", "axb", false),
    ]

    @Test("meets the patterns that match its type")
    func matches() async throws {
        try await TestOutbox.withOutbox { outbox in
            for (number, (pattern, type, isMatch)) in Self.patterns.enumerated() {
                // A tenant each, so that they do not meet.
                try await outbox.registerEndpoint("e\(number)", types: [pattern], tenant: "\(number)")
                let event = try await outbox.publish(type, tenant: "\(number)")
                let status = try await outbox.statuses().last
                #expect(
                    status == (isMatch ? "\(event) e\(number) pending 0" : "\(event) - no_subscriber 0"),
                    "\(pattern) \(type)")
            }
        }
    }

    @Test("meets an endpoint once, however many of its patterns match")
    func overlapsOnce() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", types: ["*", "order.*", "order.paid"])
            try await outbox.registerEndpoint("b", types: ["order.*"])
            try await outbox.publish("order.paid")
            #expect(try await outbox.statuses() == ["1 a pending 0", "1 b pending 0"])
        }
    }

    @Test("with the name of an endpoint goes there, even without a subscription, and nowhere else")
    func byName() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", types: ["other"])
            try await outbox.registerEndpoint("b")
            try await outbox.publish(endpoint: "a")
            try await outbox.publish(endpoint: "nobody")
            #expect(try await outbox.statuses() == ["1 a pending 0", "2 - no_subscriber 0"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("meets only endpoints of its own tenant, by pattern and by name")
    func tenantsAreApart() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", tenant: "A")
            try await outbox.registerEndpoint("b", tenant: "B")
            try await outbox.registerEndpoint("c")
            try await outbox.publish(tenant: "A")
            try await outbox.publish(endpoint: "b", tenant: "A")
            try await outbox.publish()
            #expect(try await outbox.statuses() == ["1 a pending 0", "2 - no_subscriber 0", "3 c pending 0"])
        }
    }

    @Test("is due when it says, and at its expiry at the latest")
    func dueTimes() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let times: [(deliver: String?, expire: String?)] = [
                (nil, nil), ("1 hour", nil), ("-1 hour", nil), (nil, "1 hour"), ("1 hour", "30 min"),
                ("1 hour", "-30 min"),
            ]
            for time in times { try await outbox.publish(deliverAfter: time.deliver, expiresAfter: time.expire) }
            let due =
                "SELECT round(extract(epoch FROM due_at - event_at) / 60)::int FROM postrider.deliveries ORDER BY id"
            let expected: [String?] = ["0", "60", "0", "0", "30", "0"]
            #expect(try await outbox.column(due) == expected)
            #expect(try await outbox.ownWorker().claim().map(\.event) == [1, 3, 4, 6])
            // The repair owes the same.
            try await outbox.script("DELETE FROM postrider.deliveries")
            #expect(try await outbox.number("SELECT postrider.repair_fan_out('-infinity')") == 6)
            #expect(try await outbox.column(due) == expected)
        }
    }

    @Test("of a transaction that rolls back leaves nothing")
    func rollsBack() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.connection.withRollback { transaction in
                _ = try await transaction.query(
                    "INSERT INTO postrider.outbox (event_type, payload, idempotency_key) VALUES ('x', '1', 'k')",
                    deadline: .seconds(5))
            }
            for table in ["outbox", "deliveries", "idempotency_keys"] {
                #expect(try await outbox.number("SELECT count(*) FROM postrider.\(table)") == 0)
            }
        }
    }

    @Test("after a savepoint is kept or lost with it")
    func savepoints() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.script(
                """
                BEGIN;
                INSERT INTO postrider.outbox (event_type, payload) VALUES ('kept', '1');
                SAVEPOINT here;
                INSERT INTO postrider.outbox (event_type, payload) VALUES ('lost', '1');
                ROLLBACK TO here;
                INSERT INTO postrider.outbox (event_type, payload) VALUES ('kept', '1');
                COMMIT;
                """)
            #expect(try await outbox.statuses() == ["1 shop pending 0", "3 shop pending 0"])
        }
    }
}
