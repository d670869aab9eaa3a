import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A name that endpoints of two tenants have", .timeLimit(.minutes(2)))
struct TenantNameTests {
    private static let several = "several tenants have an endpoint named 'billing': give its tenant too"

    private func register(_ tenants: String..., in outbox: TestOutbox) async throws {
        for tenant in tenants {
            try await outbox.query(
                "SELECT postrider.register_endpoint('billing', 'https://\(tenant).example.com/', tenant => '\(tenant)')"
            )
        }
    }

    /// What is said instead of an answer; nil when it was done.
    private func refusal(_ call: String, _ outbox: TestOutbox) async -> String? {
        await outbox.refusal(of: "SELECT postrider.\(call)")?.message
    }

    @Test("is refused by every act until the tenant is given, and then means that one's alone")
    func acts() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await register("a", "b", in: outbox)
            #expect(
                await refusal("register_endpoint('billing', 'https://x.example/', tenant => 'b')", outbox)
                    == "there is already an endpoint named 'billing' of tenant 'b'")
            try await outbox.query(
                """
                INSERT INTO postrider.outbox (event_type, payload, tenant)
                SELECT 'order.paid', '{}', t FROM unnest('{a,a,b}'::text[]) AS t
                """)
            let calls = [
                "pause_endpoint('billing')", "resume_endpoint('billing')",
                "update_endpoint('billing', max_attempts => 3)",
                "rotate_secret('billing')", "has_headers('billing', '{}')", "replay_dead_letters('billing')",
                "retry_events('billing')", "cancel_events('billing', why => 'x')",
                "discard_dead_letters('billing', why => 'x')", "replay_events(endpoint => 'billing')",
                "remove_endpoint('billing')",
            ]
            for call in calls { #expect(await refusal(call, outbox) == Self.several, "\(call)") }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.audit_log WHERE act <> 'register'") == 0)
            for call in calls.dropLast() {
                let given = call.dropLast() + ", tenant => 'b')"
                #expect(await refusal(String(given), outbox) == nil, "\(given)")
            }
            let left = "SELECT count(*) FROM postrider.event_deliveries WHERE status = 'pending' AND tenant = "
            #expect(try await outbox.number(left + "'a'") == 2)
            #expect(try await outbox.number(left + "'b'") == 0)
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.audit_log WHERE act <> 'register' AND subject LIKE '%billing of tenant b'"
                ) == 6)
            // One is left of the name: it needs no tenant again.
            #expect(await refusal("remove_endpoint('billing', tenant => 'b')", outbox) == nil)
            #expect(await refusal("pause_endpoint('billing')", outbox) == nil)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("chooses all that belong to a tenant where no endpoint is named")
    func tenants() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await register("a", "b", in: outbox)
            try await outbox.query(
                """
                INSERT INTO postrider.outbox (event_type, payload, tenant, endpoint)
                VALUES ('order.paid', '{}', 'a', 'billing'), ('order.paid', '{}', 'b', 'billing')
                """)
            #expect(try await outbox.number("SELECT postrider.cancel_events(tenant => 'a', why => 'x')") == 1)
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.event_deliveries WHERE tenant = 'b' AND status = 'pending'") == 1)
            // An event has one tenant, so its endpoint needs none.
            try await outbox.query("UPDATE postrider.deliveries SET attempt = 1, due_at = now() + interval '1 h'")
            #expect(try await outbox.number("SELECT postrider.retry_event(2, endpoint => 'billing')") == 1)
        }
    }
}
