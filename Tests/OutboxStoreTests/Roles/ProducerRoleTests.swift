import Postgres
import TestSupport
import Testing

@Suite("A producer", .timeLimit(.minutes(3)))
struct ProducerRoleTests {
    @Test("may insert and publish, in every way that does not read")
    func allowed() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let producer = try await outbox.connect(in: "postrider_producer")
            let allowed = [
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')",
                """
                INSERT INTO postrider.outbox (event_type, body, content_type, ordering_key, idempotency_key, endpoint, tenant,
                    headers, deliver_after, expires_at, traceparent)
                VALUES ('x', 'b', 'text/plain', 'k', 'i', 'shop', '', '{"a": "b"}', now(), now() + interval '1 hour',
                    '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01')
                """,
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1') ON CONFLICT DO NOTHING",
                "SELECT * FROM postrider.publish('x', '1', ordering_key => 'k', tenant => '')",
                "SELECT * FROM postrider.publish('x', '1', idempotency_key => 'i')",
                "SELECT * FROM postrider.publish('x', jsonb_build_object('n', 1), ordering_key => 'k')",
                "SELECT * FROM postrider.publish('x', json_build_object('n', 1))",
                "SELECT * FROM postrider.publish('x', body => 'b')",
                "SELECT * FROM postrider.publish(event_type => 'x', payload => '{}')",
                "INSERT INTO postrider.outbox (event_type, payload, idempotency_key) VALUES ('x', '1', 'i')",
            ]
            #expect(await producer.states(of: allowed) == allowed.map { _ in "-" })
            await producer.close()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 8)
        }
    }

    @Test("may COPY")
    func copies() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let producer = try await outbox.connect(in: "postrider_producer")
            await producer.close()
            let url = outbox.database.url.replacing("postgres@", with: "postrider_producer_user@")
            let psql = try await PSQL.run(
                "COPY postrider.outbox (event_type, payload) FROM STDIN;\nx\t1\nx\t2\n\\.\n", at: url,
                options: ["--set", "ON_ERROR_STOP=1"])
            #expect(psql.status == 0, "\(psql.output)")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 2)
        }
    }

    @Test("is told what it wrote wrong, not that it lacks a right")
    func rules() async throws {
        try await TestOutbox.withOutbox { outbox in
            let producer = try await outbox.connect(in: "postrider_producer")
            for values in ["'a b', '1'", "NULL, '1'"] {
                let insert = "INSERT INTO postrider.outbox (event_type, payload) VALUES (\(values))"
                #expect(await producer.refusal(of: insert)?.report?.column == "event_type")
            }
            await producer.close()
        }
    }

    @Test("may do nothing else")
    func forbidden() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let producer = try await outbox.connect(in: "postrider_producer")
            let insert = "INSERT INTO postrider.outbox (event_type, payload"
            let forbidden =
                [
                    "\(insert)) VALUES ('x', '1') RETURNING id",
                    "\(insert), id) OVERRIDING SYSTEM VALUE VALUES ('x', '1', 7)",
                    "\(insert), created_at) VALUES ('x', '1', now())",
                    "\(insert)) VALUES ('x', '1') ON CONFLICT (created_at, id) DO NOTHING",
                    "UPDATE postrider.outbox SET payload = '2'", "DELETE FROM postrider.outbox",
                    "TRUNCATE postrider.outbox",
                    "DO $$ BEGIN LOCK TABLE postrider.outbox IN ROW EXCLUSIVE MODE; END $$",
                    "DO $$ BEGIN LOCK TABLE postrider.outbox; END $$",
                    "CREATE TRIGGER t AFTER INSERT ON postrider.outbox EXECUTE FUNCTION postrider.fan_out()",
                    "CREATE RULE r AS ON INSERT TO postrider.outbox DO INSTEAD NOTHING",
                    "ALTER TABLE postrider.outbox DISABLE TRIGGER USER", "DROP TABLE postrider.outbox",
                    "CREATE TABLE postrider.t (i int)", "SELECT nextval('postrider.outbox_id_seq')",
                    "SELECT postrider.webhook_id(now(), 1)", "SELECT postrider.patterns_matching('x')",
                    "SELECT postrider.claim(1, '{1}', '{-infinity}', '{1}', 1, 1, '1 s')",
                    "SELECT postrider.pause_endpoint('shop')",
                    "SELECT postrider.register_endpoint('y', 'https://y.example/')",
                    "SELECT postrider.replay_dead_letters()",
                    "SELECT postrider.keep_retention()", "SELECT postrider.make_partition('outbox', '2020-01-01')",
                    "SELECT postrider.repair_fan_out('-infinity')", "SELECT postrider.take_duty('keys')",
                    "INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes) VALUES (now(), 1, now(), 1, 1)",
                ]
                + [
                    "outbox", "deliveries", "endpoints", "endpoint_secrets", "endpoint_urls", "subscriptions",
                    "idempotency_keys",
                    "attempts", "dead", "settings", "event_deliveries", "attempt_log", "dead_letters",
                    "endpoint_health",
                    "unaccounted",
                ].map { "SELECT * FROM postrider.\($0)" }
            for statement in forbidden {
                #expect(await producer.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await producer.close()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 0)
        }
    }
}
