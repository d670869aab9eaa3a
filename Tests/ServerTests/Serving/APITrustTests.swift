import CustomerAPI
import Foundation
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite("Whom the door for customers trusts", .timeLimit(.minutes(2)))
struct APITrustTests {
    private static let body = #"{"webhook_url": "https://example.com/hooks", "name": "shop"}"#

    /// Each route with the names and ids of a tenant.
    private static func requests(_ name: String, _ id: String) -> [(method: String, path: String, body: String?)] {
        [
            ("GET", "/v1/webhooks/\(name)", nil), ("PATCH", "/v1/webhooks/\(name)", #"{"description": "x"}"#),
            ("PATCH", "/v1/webhooks/\(name)", #"{"webhook_url": "https://other.example"}"#),
            ("PATCH", "/v1/webhooks/\(name)", "{}"),
            ("DELETE", "/v1/webhooks/\(name)", nil), ("POST", "/v1/webhooks/\(name)/rotate-secret", nil),
            ("POST", "/v1/webhooks/\(name)/test", nil), ("POST", "/v1/webhooks/\(name)/pause", nil),
            ("POST", "/v1/webhooks/\(name)/resume", nil), ("GET", "/v1/webhooks/\(name)/deliveries", nil),
            ("GET", "/v1/deliveries/\(id)", nil), ("POST", "/v1/deliveries/\(id)/replay", nil),
        ]
    }

    /// All that is stored of endpoints and deliveries, as one digest.
    private static let state = """
        SELECT md5(string_agg(t, '' ORDER BY t)) FROM (
            SELECT e::text AS t FROM postrider.endpoints e UNION ALL SELECT l::text FROM postrider.lanes l
            UNION ALL SELECT s::text FROM postrider.endpoint_secrets s UNION ALL SELECT s::text FROM postrider.subscriptions s
            UNION ALL SELECT u::text FROM postrider.endpoint_urls u UNION ALL SELECT o::text FROM postrider.outbox o
            UNION ALL SELECT d::text FROM postrider.deliveries d UNION ALL SELECT x::text FROM postrider.dead x
            UNION ALL SELECT r::text FROM postrider.replays r UNION ALL SELECT a::text FROM postrider.acts a) s
        """

    /// Tenant `ta` has a webhook with a dead letter; `tb` and operators have others. Returns the ids of deliveries of `ta`.
    private static func prepare(_ rig: APIRig, _ token: String) async throws -> [String] {
        _ = try await rig.ask("POST", "/v1/webhooks/register", token, body)
        try await rig.outbox.script("SELECT postrider.register_endpoint('operators', 'https://example.com/o')")
        for _ in 0..<2 {
            _ = try await rig.ask("POST", "/v1/events", token, #"{"event_type": "order.paid", "payload": 1}"#)
        }
        try await rig.outbox.script(
            """
            INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, reason)
            SELECT d.id, d.event_id, d.event_at, d.endpoint_id, d.bytes, 1, 'max_attempts' FROM postrider.deliveries d WHERE d.id = 1;
            DELETE FROM postrider.deliveries d WHERE d.id = 1;
            """)
        let list = try await rig.ask("GET", "/v1/webhooks/shop/deliveries", token)
        return list.body.matches(of: #/"id": "(dlv_[^"]+)"/#).map { String($0.1) }
    }

    /// Asks for all of tenant `ta` with a token of another: the first answer that is not "there is no such thing", or "it was changed".
    private static func crossing(_ rig: APIRig, _ other: String, _ ids: [String]) async throws -> String? {
        let before = try await rig.value(state)
        for name in ["shop", "operators"] {
            for id in ids {
                for (method, path, body) in requests(name, id) {
                    let reply = try await rig.ask(method, path, other, body)
                    guard reply.status == 404, reply.text("code") == "not_found", !reply.body.contains("tenant") else {
                        return "\(method) \(path): \(reply)"
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }
        let list = try await rig.ask("GET", "/v1/webhooks", other)
        guard list.body == #"{"webhooks": [], "next_cursor": null}"# + "\n" else { return list.body }
        return try await rig.value(state) == before ? nil : "it was changed"
    }

    /// Asks with tokens that are good for nothing, and with one for reading alone: the first answer that is not as it has to be, or
    /// "it was changed".
    private static func misplaced(
        _ rig: APIRig, bad: [String?], reading: String, _ ids: [String]
    ) async throws -> String? {
        let before = try await rig.value(state)
        let all =
            requests("shop", ids[0]) + [
                ("GET", "/v1/webhooks", nil), ("POST", "/v1/webhooks/register", body),
                ("POST", "/v1/events", #"{"event_type": "a", "payload": 1}"#), ("GET", "/v1/event-types", nil),
            ]
        for (method, path, body) in all {
            for bad in bad {
                let reply = try await rig.ask(method, path, bad, body)
                guard reply.status == 401, reply.field("www-authenticate") == "bearer" else {
                    return "\(method) \(path): \(reply)"
                }
            }
            let reply = try await rig.ask(method, path, reading, body)
            guard reply.status == (method == "GET" ? 200 : 403) else { return "\(method) \(path): \(reply)" }
            try await Task.sleep(for: .milliseconds(100))
        }
        return try await rig.value(state) == before ? nil : "it was changed"
    }

    @Test("every route with every other tenant's names and ids finds nothing and changes nothing")
    func tenants() async throws {
        try await APIRig.with { rig, _ in
            let (token, other) = (try await rig.token("a", of: "ta"), try await rig.token("b", of: "tb"))
            let ids = try await Self.prepare(rig, token)
            #expect(ids.count == 2)
            #expect(try await Self.crossing(rig, other, ids) == nil)

            // The same name is another webhook.
            let mine = try await rig.ask(
                "POST", "/v1/webhooks/register", other, Self.body.replacing("example.com", with: "b.example"))
            #expect(mine.status == 201)
            for action in ["pause", "rotate-secret", "test"] {
                _ = try await rig.ask("POST", "/v1/webhooks/shop/\(action)", other)
            }
            #expect(try await rig.ask("DELETE", "/v1/webhooks/shop", other).status == 204)
            let still = try await rig.ask("GET", "/v1/webhooks/shop", token)
            #expect(still.text("state") == "active" && still.text("webhook_url") == "https://example.com/hooks")
            // An id with another tag, number or endpoint is no delivery, also to its own tenant.
            for id in [
                ids[0] + "0", ids[0].replacing("dlv_", with: "dlv_0"), "dlv_", "%00",
                String(repeating: "9", count: 2_000),
            ] {
                #expect(try await rig.ask("GET", "/v1/deliveries/\(id)", token).status == 404)
            }
        }
    }

    @Test("a token that is missing, wrong, expired, revoked or for reading alone changes nothing, at once")
    func tokens() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            let ids = try await Self.prepare(rig, token)
            let reading = try await rig.token("r", of: "ta", ", true")
            let brief = try await rig.token("e", of: "ta", ", expires => '1 minute'")
            #expect(try await rig.ask("GET", "/v1/webhooks/shop", brief).status == 200)
            try await rig.outbox.script(
                "UPDATE postrider.tokens SET expires_at = clock_timestamp() WHERE name = 'e'; SELECT postrider.revoke_token('a')"
            )
            let made = APIToken(bytes: [UInt8](repeating: 7, count: 32)).revealed
            let bad = [nil, "", "prt_", made, token, brief]
            #expect(try await Self.misplaced(rig, bad: bad, reading: reading, ids) == nil)
        }
    }

    /// A function of the schema that forgets a condition.
    private struct Mutant {
        let function: String
        let condition: String
        let instead: String

        static let all = [
            Mutant(function: "api_find_delivery", condition: "AND e.tenant = p_tenant", instead: ""),
            Mutant(function: "endpoint_id", condition: "e.tenant = p_tenant", instead: "true"),
            Mutant(function: "api_list", condition: "e.tenant = v_tenant AND", instead: ""),
            Mutant(function: "token_tenant", condition: "AND t.revoked_at IS NULL", instead: ""),
            Mutant(function: "token_tenant", condition: "AND t.expires_at > clock_timestamp()", instead: ""),
            Mutant(function: "token_tenant", condition: "p_writes AND v_token.read_only", instead: "false"),
        ]
    }

    @Test("the two tests above see each of these conditions missing")
    func mutants() async throws {
        try await APIRig.with { rig, _ in
            let (token, other) = (try await rig.token("a", of: "ta"), try await rig.token("b", of: "tb"))
            let ids = try await Self.prepare(rig, token)
            let (reading, brief) = (
                try await rig.token("r", of: "ta", ", true"),
                try await rig.token("e", of: "ta", ", expires => '1 minute'")
            )
            try await rig.outbox.script(
                "UPDATE postrider.tokens SET expires_at = clock_timestamp() WHERE name = 'e'; SELECT postrider.revoke_token('a')"
            )
            for mutant in Mutant.all {
                let text = try #require(
                    try await rig.value("SELECT pg_get_functiondef('postrider.\(mutant.function)'::regproc)"))
                let mutated = text.replacing(mutant.condition, with: mutant.instead)
                #expect(mutated != text, "\(mutant)")
                try await rig.outbox.script(mutated)
                let seen =
                    mutant.function == "token_tenant"
                    ? try await Self.misplaced(rig, bad: [token, brief], reading: reading, ids)
                    : try await Self.crossing(rig, other, ids)
                #expect(seen != nil, "\(mutant)")
                try await rig.outbox.script(text)
            }
        }
    }

    @Test("each bad request is refused in the words of the API, and those after it are answered")
    func hostile() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            func refused(_ reply: DoorClient.Reply, _ status: Int, _ code: String, line: Int = #line) {
                #expect(reply.status == status && reply.text("code") == code, "line \(line): \(reply)")
                #expect(reply.head.contains("content-type: application/problem+json"))
            }
            let path = "/v1/webhooks/register"
            refused(try await rig.ask("POST", path, token, String(repeating: "[", count: 200_000)), 400, "invalid_json")
            refused(
                try await rig.ask("POST", path, token, #"{"webhook_url": "https://a.example", "name": "a\u0000"}"#),
                422, "invalid")
            let large = String(repeating: " ", count: APIResponder.mostBodyBytes + 1)
            refused(try await rig.ask("POST", path, token, large), 413, "body_too_large")
            let bytes = try await DoorClient.send(
                "POST", path, to: rig.address, ["Authorization: Bearer \(token)", "Content-Type: application/json"],
                [0x22, 0xff, 0x22])
            refused(bytes, 400, "invalid_json")
            let typeless = try await DoorClient.send(
                "POST", path, to: rig.address, ["Authorization: Bearer \(token)", "Content-Type: text/plain"],
                [0x7b, 0x7d])
            refused(typeless, 415, "unsupported_media_type")
            refused(
                try await rig.ask("POST", path, token, "{}", ["Content-Encoding: gzip"]), 415, "unsupported_media_type")
            let put = try await rig.ask("PUT", "/v1/webhooks/shop", token, "{}")
            refused(put, 405, "method_not_allowed")
            #expect(put.field("allow") == "get, head, patch, delete")
            refused(try await rig.ask("GET", "/v1/nothing", token), 404, "not_found")
            refused(try await rig.ask("GET", "/v1/webhooks?x=1", token), 400, "invalid_request")
            refused(
                try await rig.ask("GET", "/v1/webhooks", token, nil, ["Authorization: Bearer \(token)"]), 401,
                "unauthorized")
            let quoted = "/v1/webhooks/'%3B%20DROP%20SCHEMA%20postrider%20CASCADE%3B--"
            refused(try await rig.ask("GET", quoted, token), 404, "not_found")
            let flood = try await rig.ask("GET", "/v1/webhooks", token, nil, (0..<200).map { "X-\($0): y" })
            #expect(flood.status == 400)
            let long = try await rig.ask(
                "GET", "/v1/webhooks", token, nil, ["X-Long: \(String(repeating: "y", count: 20_000))"])
            #expect(long.status == 400)
            #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200)
        }
    }

    @Test("more than a token may send is answered with 429 and when to come again; others are not held up")
    func limits() async throws {
        try await APIRig.with { rig, _ in
            let (token, other) = (try await rig.token("a", of: "ta"), try await rig.token("b", of: "tb"))
            #expect(try await rig.ask("GET", "/v1/webhooks", other).status == 200)
            let client = try DoorClient(rig.address)
            defer { client.close() }
            var refused: DoorClient.Reply?
            for _ in 0..<2_000 where refused == nil {
                let reply = try await client.send("GET", "/v1/webhooks", ["Authorization: Bearer \(token)"])
                if reply.status != 200 { refused = reply }
            }
            #expect(
                refused?.status == 429 && refused?.field("retry-after") == "1"
                    && refused?.text("code") == "rate_limited")
            #expect(try await rig.ask("GET", "/v1/webhooks", other).status == 200)
        }
    }

    @Test("the role may execute these functions and read the schema's version, and nothing else")
    func rights() async throws {
        try await APIRig.with { rig, _ in
            let functions = try await rig.value(
                """
                SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
                WHERE p.pronamespace = 'postrider'::regnamespace AND has_function_privilege('\(rig.role)', p.oid, 'EXECUTE')
                """)
            #expect(
                functions
                    == """
                    api_delivery api_deliveries api_event_types api_list api_pause api_publish api_register api_remove api_replay api_resume \
                    api_rotate_secret api_show api_tenant api_test api_update
                    """.split(separator: " ").sorted().joined(separator: " "))
            let relations = try await rig.value(
                """
                SELECT string_agg(c.relname || ':' || w.word, ' ' ORDER BY c.relname) FROM pg_class c,
                    unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS w (word)
                WHERE c.relnamespace = 'postrider'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'm')
                    AND has_any_column_privilege('\(rig.role)', c.oid, w.word)
                """)
            #expect(relations == "schema_migrations:SELECT")
            // Each of them takes a token first and nothing that names a tenant.
            let open = try await rig.value(
                """
                SELECT count(*) FROM pg_proc p
                WHERE p.pronamespace = 'postrider'::regnamespace AND has_function_privilege('\(rig.role)', p.oid, 'EXECUTE')
                    AND (p.proargtypes[0] <> 'bytea'::regtype OR p.proargnames[1] IS DISTINCT FROM 'p_token' AND p.pronargs > 0
                        OR 'p_tenant' = ANY (p.proargnames))
                """)
            #expect(open == "0")
        }
    }
}
