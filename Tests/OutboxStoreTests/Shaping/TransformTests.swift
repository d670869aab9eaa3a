import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A transform", .timeLimit(.minutes(3)))
struct TransformTests {
    /// Functions that an operator might write, in a schema that the role may use.
    private static let functions = """
        CREATE SCHEMA hooks;
        CREATE TABLE hooks.notes (text text);
        GRANT USAGE ON SCHEMA hooks TO PUBLIC;
        GRANT ALL ON hooks.notes TO PUBLIC;
        CREATE FUNCTION hooks.good(event jsonb) RETURNS json LANGUAGE sql
            RETURN json_build_object('id', event ->> 'id', 'order', event -> 'data' -> 'order_id', 'chance', random());
        CREATE FUNCTION hooks.words(event jsonb) RETURNS text LANGUAGE sql RETURN 'order ' || (event -> 'data' ->> 'order_id');
        CREATE FUNCTION hooks.nothing(event jsonb) RETURNS json LANGUAGE sql RETURN NULL::json;
        CREATE FUNCTION hooks.fails(event jsonb) RETURNS json LANGUAGE sql RETURN to_json(1 / 0);
        CREATE FUNCTION hooks.writes(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN INSERT INTO hooks.notes VALUES (1); RETURN 1; END';
        CREATE FUNCTION hooks.reads(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN RETURN (SELECT to_json(e.name) FROM postrider.endpoints e LIMIT 1); END';
        CREATE FUNCTION hooks.sleeps(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(3600); RETURN 1; END';
        CREATE FUNCTION hooks.resets(event jsonb) RETURNS json LANGUAGE plpgsql AS 'BEGIN RESET ROLE; RETURN 1; END';
        CREATE FUNCTION hooks.becomes(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN SET ROLE postrider_worker; RETURN 1; END';
        CREATE FUNCTION hooks.authorizes(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN SET SESSION AUTHORIZATION DEFAULT; RETURN 1; END';
        CREATE FUNCTION hooks.unlocks(event jsonb) RETURNS json LANGUAGE plpgsql AS
            'BEGIN SET transaction_read_only = off; RETURN 1; END';
        CREATE FUNCTION hooks.large(event jsonb) RETURNS text LANGUAGE plpgsql AS
            'BEGIN RETURN repeat(''x'', 300000000); END';
        CREATE FUNCTION hooks.sets(event jsonb) RETURNS text LANGUAGE plpgsql AS
            $$BEGIN PERFORM set_config('work_mem', '77MB', false); RETURN current_user; END$$
        """

    private func shape(
        _ worker: TestWorker, _ deliveries: [ClaimedDelivery], _ transform: String, limit: Int = 20_000
    ) async throws -> [ShapedEvent] {
        try await worker.connection.withTransaction(deadline: TestOutbox.deadline) { transaction in
            try await transaction.execute(
                script: "SET LOCAL statement_timeout = \(limit)", deadline: TestOutbox.deadline)
            return try await transaction.run(
                ShapeEvents(
                    deliveries.map(\.eventKey), for: deliveries[0].endpoint, filter: nil, transform: transform,
                    budget: .seconds(20)), deadline: TestOutbox.deadline)
        }
    }

    private func words(_ event: ShapedEvent) -> String {
        switch event.result {
        case .missing: "missing"
        case .passed(let event): "\(event.bodyContentType ?? "-") \(String(decoding: event.content, as: UTF8.self))"
        case .filtered(_, let why): "filtered: \(why)"
        case .failed(_, let why): "failed: \(why)"
        }
    }

    /// A worker that has the rights of one and no others, and three deliveries that it claimed.
    private func withWorker(
        _ body: (TestOutbox, TestWorker, [ClaimedDelivery]) async throws -> Void
    ) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(Self.functions)
            try await outbox.registerEndpoint()
            for order in 1...3 { try await outbox.publish("order.paid", #"{"order_id": \#(order)}"#) }
            let connection = try await outbox.connect(in: "postrider_worker")
            let worker = TestWorker(id: 1, connection: connection)
            try await body(outbox, worker, try await worker.claim())
            await connection.close()
        }
    }

    @Test("makes a body once, which all later attempts send, and which goes with its event")
    func frozen() async throws {
        try await withWorker { outbox, worker, claimed in
            let first = try await shape(worker, claimed, "hooks.good").map(words)
            #expect(first[0].hasPrefix(#"application/json {"id" : "evt_"#) && first[2].contains(#""order" : 3"#))
            #expect(try await shape(worker, claimed, "hooks.good").map(words) == first)
            #expect(try await shape(worker, claimed, "hooks.words").map(words) == first)
            try await outbox.query("DELETE FROM postrider.deliveries")
            try await outbox.query(
                "UPDATE postrider.made_bodies SET event_at = event_at - interval '40 days' WHERE event_id < 3")
            try await outbox.query("SELECT postrider.forget_of_gone('made_bodies', now() - interval '30 days', 10)")
            #expect(try await outbox.column("SELECT event_id FROM postrider.made_bodies") == ["3"])
        }
    }

    @Test("may return text, or nothing, or fail")
    func results() async throws {
        try await withWorker { outbox, worker, claimed in
            let text = try await shape(worker, Array(claimed.prefix(1)), "hooks.words").map(words)
            #expect(text == ["text/plain; charset=utf-8 order 1"])
            let nothing = try await shape(worker, Array(claimed.suffix(1)), "hooks.nothing").map(words)
            #expect(nothing == ["filtered: the transform made nothing"])
            let fails = try await shape(worker, Array(claimed.suffix(1)), "hooks.fails").map(words)
            #expect(fails == ["failed: division by zero"])
            let gone = try await shape(worker, Array(claimed.suffix(1)), "hooks.gone").map(words)
            #expect(gone == ["failed: function hooks.gone(jsonb) does not exist"])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.made_bodies") == 1)
        }
    }

    @Test("can do nothing else, whatever it tries")
    func confined() async throws {
        try await withWorker { outbox, worker, claimed in
            let one = Array(claimed.prefix(1))
            let expected = [
                ("writes", "cannot execute INSERT in a read-only transaction"),
                ("reads", "permission denied for schema postrider"),
                ("resets", #"cannot set parameter "role" within security-definer function"#),
                ("becomes", #"cannot set parameter "role" within security-definer function"#),
                ("authorizes", #"cannot set parameter "session_authorization" within security-definer function"#),
                ("unlocks", "cannot set transaction read-write mode inside a read-only transaction"),
                ("large", "it made 300000000 bytes, and a body has at most 262144"),
            ]
            for (function, why) in expected {
                #expect(
                    try await shape(worker, one, "hooks.\(function)").map(words) == ["failed: \(why)"], "\(function)")
            }
            let error = await #expect(throws: PostgresError.self) {
                try await shape(worker, one, "hooks.sleeps", limit: 100)
            }
            #expect(error?.sqlState == .queryCanceled)
            // What it sets ends with it.
            #expect(
                try await shape(worker, one, "hooks.sets").map(words) == [
                    "text/plain; charset=utf-8 postrider_transform"
                ])
            let setting = try await worker.connection.query("SHOW work_mem", deadline: TestOutbox.deadline)
            #expect(setting.first != "77MB")
            #expect(try await outbox.number("SELECT count(*) FROM hooks.notes") == 0)
            let rights = """
                SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'postrider'::regnamespace
                    AND c.relkind IN ('r', 'p', 'v', 'S')
                    AND (c.relkind <> 'S' AND has_table_privilege('postrider_transform', c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
                """
            #expect(try await outbox.number(rights) == 0)
        }
    }

    @Test("is refused where it cannot be called, and the words say what is missing")
    func registration() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(
                """
                CREATE SCHEMA hooks;
                CREATE FUNCTION hooks.good(event jsonb) RETURNS json LANGUAGE sql RETURN to_json(1);
                REVOKE ALL ON FUNCTION hooks.good FROM PUBLIC
                """)
            func said() async -> String {
                let register =
                    "SELECT postrider.register_endpoint('a', 'https://a.example/', transform => 'hooks.good')"
                return await outbox.refusal(of: register)?.message ?? "-"
            }
            #expect(await said().contains("GRANT USAGE ON SCHEMA hooks TO postrider_transform"))
            try await outbox.query("GRANT USAGE ON SCHEMA hooks TO postrider_transform")
            #expect(await said().contains("GRANT EXECUTE ON FUNCTION hooks.good(jsonb) TO postrider_transform"))
            try await outbox.query("GRANT EXECUTE ON FUNCTION hooks.good TO postrider_transform")
            #expect(await said() == "-")
            let settings = "SELECT transform FROM postrider.endpoint_settings"
            #expect(try await outbox.column(settings) == ["hooks.good"])
            try await outbox.query("SELECT postrider.update_endpoint('a', transform => '')")
            #expect(try await outbox.column(settings) == [nil])
        }
    }
}
