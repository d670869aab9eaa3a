import Postgres
import TestSupport
import Testing

@Suite("A registrar", .timeLimit(.minutes(3)))
struct RegistrarRoleTests {
    @Test("registers, updates and rotates endpoints of the tenant that it names, and reaches no other")
    func ownTenant() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("ours")
            try await outbox.registerEndpoint("theirs", tenant: "other")
            let portal = try await outbox.connect(in: "postrider_registrar")
            let allowed = [
                "SELECT * FROM postrider.register_endpoint('a', 'https://a.example/', tenant => 'acme')",
                "SELECT postrider.update_endpoint('a', url => 'https://b.example/', tenant => 'acme')",
                "SELECT postrider.rotate_secret('a', tenant => 'acme')",
            ]
            #expect(await portal.states(of: allowed) == allowed.map { _ in "-" })
            let unnamed = [
                "SELECT * FROM postrider.register_endpoint('b', 'https://a.example/')",
                "SELECT * FROM postrider.register_endpoint('b', 'https://a.example/', tenant => NULL)",
                "SELECT postrider.update_endpoint('a', url => 'https://c.example/')",
                "SELECT postrider.rotate_secret('a')",
            ]
            for statement in unnamed {
                #expect(await portal.refusal(of: statement)?.report?.column == "tenant", "\(statement)")
            }
            for name in ["ours", "theirs", "nobody"] {
                for call in ["update_endpoint('\(name)', url => 'https://evil.example/'", "rotate_secret('\(name)'"] {
                    let refusal = await portal.refusal(of: "SELECT postrider.\(call), tenant => 'acme')")
                    #expect(refusal?.message == "there is no endpoint named '\(name)' of tenant 'acme'", "\(call)")
                }
            }
            await portal.close()
            // Who set the role is held to it too; an operator is not.
            let person = try await outbox.connect(in: "postrider_operator")
            try await outbox.script("GRANT postrider_registrar TO postrider_operator_user")
            #expect(await person.refusal(of: "SELECT postrider.rotate_secret('ours')") == nil)
            _ = try await person.query("SET ROLE postrider_registrar", deadline: .seconds(5))
            #expect(await person.refusal(of: "SELECT postrider.rotate_secret('ours')") != nil)
            await person.close()
            try await outbox.script("REVOKE postrider_registrar FROM postrider_operator_user")
            #expect(
                try await outbox.column(
                    "SELECT tenant || ' ' || url FROM postrider.endpoint_settings WHERE endpoint = 'a'") == [
                        "acme https://b.example/"
                    ])
        }
    }

    @Test("may do nothing else")
    func forbidden() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", tenant: "acme")
            try await outbox.publish(tenant: "acme")
            let portal = try await outbox.connect(in: "postrider_registrar")
            let calls = [
                "pause_endpoint('a')", "resume_endpoint('a')", "remove_endpoint('a')", "cancel_event(1)",
                "retry_events()", "cancel_events(why => 'w')", "discard_dead_letters(why => 'w')",
                "replay_dead_letters()",
                "publish('x', '1')", "webhook_id(now(), 1)", "note_act('x', 'y', 1, 'z')", "keep_retention()",
                "unaccounted_between(now(), now())", "endpoint_id('a', NULL)", "is_registrar()",
            ].map { "SELECT postrider.\($0)" }
            let tables = [
                "outbox", "deliveries", "endpoints", "endpoint_secrets", "endpoint_urls", "subscriptions", "attempts",
                "dead",
                "event_deliveries", "endpoint_settings", "endpoint_health", "dead_letters", "audit_log", "unaccounted",
                "settings",
            ].map { "SELECT * FROM postrider.\($0)" }
            let changes = [
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')",
                "UPDATE postrider.endpoints SET tenant = 'x'",
                "CREATE TABLE postrider.t (i int)",
            ]
            for statement in calls + tables + changes {
                #expect(await portal.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await portal.close()
        }
    }
}
