import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An operator", .timeLimit(.minutes(3)))
struct OperatorRoleTests {
    @Test("may use every view and function of the contract")
    func contract() async throws {
        try await TestOutbox.withOutbox { outbox in
            let person = try await outbox.connect(in: "postrider_operator")
            let statements = [
                "SELECT * FROM postrider.register_endpoint('a', 'https://a.example/', '{*}', headers => '{Authorization: Bearer canary}')",
                "SELECT postrider.update_endpoint('a', max_in_flight => 5)", "SELECT postrider.rotate_secret('a')",
            ]
            #expect(await person.states(of: statements) == statements.map { _ in "-" })
            for _ in 0..<3 { try await outbox.publish() }
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            let more = [
                "SELECT postrider.replay_dead_letter(1)",
                "SELECT postrider.replay_dead_letters('a', now() - interval '1 hour', now() + interval '1 hour', 'order.paid', 1)",
                "SELECT postrider.discard_dead_letter(3, 'enough')", "SELECT postrider.pause_endpoint('a')",
                "SELECT postrider.resume_endpoint('a')", "SELECT postrider.cancel_event(1)",
            ]
            #expect(await person.states(of: more) == more.map { _ in "-" })
            let views = [
                "event_deliveries", "attempt_log", "dead_letters", "endpoint_health", "unaccounted",
                "endpoint_settings",
                "worker_list",
            ].map { "SELECT * FROM postrider.\($0)" }
            #expect(await person.states(of: views) == views.map { _ in "-" })
            let closed = try await outbox.query(
                "SELECT status, closed_by, reason FROM postrider.closed ORDER BY event_id"
            ).rows
            #expect(
                closed == [
                    ["cancelled", "postrider_operator_user", "cancelled by postrider_operator_user"],
                    ["dead", "postrider_operator_user", "discarded: enough"],
                ])
            #expect(await person.refusal(of: "SELECT postrider.remove_endpoint('a')") == nil)
            #expect(try await outbox.discrepancies() == [])
            await person.close()
        }
    }

    @Test("may not read secrets or header values, nor change anything past the functions")
    func forbidden() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(
                "SELECT postrider.register_endpoint('a', 'https://a.example/', headers => '{Authorization: Bearer canary}')"
            )
            let person = try await outbox.connect(in: "postrider_operator")
            for statement in [
                "SELECT secret FROM postrider.endpoint_secrets", "SELECT count(*) FROM postrider.endpoint_secrets",
                "SELECT headers FROM postrider.endpoints", "SELECT * FROM postrider.endpoints",
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')",
                "DELETE FROM postrider.deliveries",
                "UPDATE postrider.lanes SET leased = 0", "UPDATE postrider.endpoints SET state = 'active'",
                "DELETE FROM postrider.attempts", "DELETE FROM postrider.dead",
                "UPDATE postrider.settings SET retention = '1 day'",
                "SELECT postrider.claim(1, '{1}', '{-infinity}', '{1}', 1, 1, '1 s')",
                "SELECT postrider.disable_endpoint(1, 'x')",
                "SELECT postrider.keep_retention()", "SELECT postrider.say_left(1, 0, 0)",
                "SELECT postrider.touch_endpoint(1)",
            ] {
                #expect(await person.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            let settings = try await person.query("SELECT * FROM postrider.endpoint_settings", deadline: .seconds(5))
            #expect(settings.values("header_names") == ["{Authorization}"])
            #expect(
                !settings.rows.joined().contains { $0?.contains("canary") == true || $0?.contains("whsec_") == true })
            await person.close()
        }
    }

    @Test("may act on many, and reads what was done")
    func bulk() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.publish()
            let person = try await outbox.connect(in: "postrider_operator")
            let statements = [
                "SELECT postrider.retry_events('a', why => 'w')", "SELECT postrider.retry_event(1)",
                "SELECT postrider.discard_dead_letters(why => 'w')", "SELECT postrider.cancel_events('a', why => 'w')",
                "SELECT * FROM postrider.audit_log", "SELECT * FROM postrider.unaccounted_between(now(), now())",
            ]
            #expect(await person.states(of: statements) == statements.map { _ in "-" })
            for statement in [
                "INSERT INTO postrider.acts (act, count) VALUES ('x', 1)", "UPDATE postrider.acts SET why = 'y'",
                "SELECT postrider.note_act('x', 'y', 1, 'z')", "DELETE FROM postrider.acts",
            ] {
                #expect(await person.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await person.close()
        }
    }

    @Test("and no other login: the public may not even look")
    func publicRole() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(
                """
                DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
                """)
            let stranger = try await outbox.connect(as: "stranger")
            #expect(
                await stranger.states(of: [
                    "SELECT * FROM postrider.outbox",
                    "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')",
                    "SELECT postrider.webhook_id(now(), 1)", "SELECT postrider.publish('x', '1')",
                ]) == Array(repeating: "42501", count: 4))
            await stranger.close()
            let open = """
                SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'postrider'::regnamespace
                    AND has_function_privilege('stranger', p.oid, 'EXECUTE')
                """
            #expect(try await outbox.number(open) == 0)
        }
    }
}
