import CustomerAPI
import Foundation
import Postgres
import ServiceLifecycle
import Settings
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite("The door for customers", .timeLimit(.minutes(2)))
struct APIDoorTests {
    private static let body =
        #"{"webhook_url": "https://example.com/hooks", "name": "shop", "event_types": ["order.*"]}"#

    @Test("a webhook is registered, changed, tested, paused and deleted, and no secret is told twice or elsewhere")
    func webhooks() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            let made = try await rig.ask("POST", "/v1/webhooks/register", token, Self.body)
            #expect(
                made.status == 201 && made.text("state") == "active"
                    && made.text("webhook_url") == "https://example.com/hooks")
            let secret = try #require(made.text("secret"))
            let shown = try await rig.ask("GET", "/v1/webhooks/shop", token)
            #expect(shown.status == 200 && shown.text("secret") == nil && shown.field("etag") == made.field("etag"))
            #expect(try await rig.ask("POST", "/v1/webhooks/register", token, Self.body).status == 409)
            let nameless = try await rig.ask(
                "POST", "/v1/webhooks/register", token, #"{"webhook_url":"https://example.com"}"#)
            #expect(nameless.text("name")?.hasPrefix("wh_") == true)
            let page = try await rig.ask("GET", "/v1/webhooks?limit=1", token)
            let cursor = try #require(page.text("next_cursor"))
            #expect(try await rig.ask("GET", "/v1/webhooks?limit=1&cursor=\(cursor)", token).text("next_cursor") == nil)

            let seen = try #require(shown.field("etag"))
            let changed = try await rig.ask(
                "PATCH", "/v1/webhooks/shop", token, #"{"description": "mine"}"#, ["If-Match: \(seen)"])
            #expect(changed.status == 200 && changed.text("description") == "mine" && changed.field("etag") != seen)
            for (method, path) in [
                ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/rotate-secret"),
            ] {
                let body = method == "PATCH" ? #"{"webhook_url":"https://other.example"}"# : nil
                let late = try await rig.ask(method, "/v1/webhooks/shop\(path)", token, body, ["If-Match: \(seen)"])
                #expect(late.status == 412 && late.text("code") == "precondition_failed")
            }
            #expect(try await rig.ask("GET", "/v1/webhooks/shop", token).body == changed.body)
            let rotated = try await rig.ask("POST", "/v1/webhooks/shop/rotate-secret", token)
            #expect(rotated.status == 200 && rotated.text("secret") != secret)
            #expect(try await rig.ask("POST", "/v1/webhooks/shop/pause", token).text("state") == "paused")
            #expect(try await rig.ask("POST", "/v1/webhooks/shop/resume", token).text("state") == "active")
            let test = try await rig.ask("POST", "/v1/webhooks/shop/test", token)
            let delivery = try await rig.ask("GET", "/v1/deliveries/\(try #require(test.text("delivery_id")))", token)
            #expect(test.status == 202 && delivery.text("event_type") == "postrider.ping")
            #expect(try await rig.ask("DELETE", "/v1/webhooks/shop", token, nil, ["If-Match: *"]).status == 204)
            #expect(try await rig.ask("GET", "/v1/webhooks/shop", token).status == 404)

            try await rig.outbox.script("UPDATE postrider.settings SET api_verify = 'challenge'")
            let asked = try await rig.ask("POST", "/v1/webhooks/register", token, Self.body)
            #expect(asked.text("state") == "verifying")
            try await rig.outbox.script("SELECT postrider.pause_endpoint('shop', 'ta')")
            let held = try await rig.ask("POST", "/v1/webhooks/shop/resume", token)
            #expect(held.status == 409 && !held.body.contains("postgres"))
            #expect(
                try await rig.value(
                    "SELECT DISTINCT by_whom FROM postrider.audit_log WHERE subject LIKE 'endpoint %' AND act <> 'pause'"
                )
                    == "\(rig.role) by token a")
            let told = rig.log.text + rig.registry.exposition()
            for secret in [token, secret, rotated.text("secret") ?? "", "whsec_", "prt_"] {
                #expect(!told.contains(secret), "\(secret)")
            }
            #expect(told.contains(#"postrider_api_answers_total{status="201"} 3"#))
            #expect(try await rig.value("SELECT count(*) FROM postrider.tokens WHERE hash = '\(token)'::bytea") == "0")
        }
    }

    @Test("an event is published once for a key; its deliveries are listed, shown and sent again")
    func events() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            try await rig.outbox.script(
                """
                SELECT postrider.describe_event_type('order.paid', 'paid', '{"type": "object"}');
                SELECT postrider.describe_event_type('order.sent');
                """)
            _ = try await rig.ask("POST", "/v1/webhooks/register", token, Self.body)
            let event = #"{"event_type": "order.paid", "payload": {"b": 1.50,  "a": 2}}"#
            let first = try await rig.ask("POST", "/v1/events", token, event, ["Idempotency-Key: k-1"])
            let again = try await rig.ask("POST", "/v1/events", token, event, ["Idempotency-Key: k-1"])
            #expect(first.status == 201 && again.status == 200 && first.text("event_id") == again.text("event_id"))
            let other = try await rig.ask(
                "POST", "/v1/events", token, event.replacing("1.50", with: "2"), ["Idempotency-Key: k-1"])
            #expect(other.status == 422 && other.text("code") == "idempotency_key_reused")
            let own = try await rig.ask("POST", "/v1/events", token, #"{"event_type": "postrider.x", "payload": 1}"#)
            #expect(own.status == 422 && own.text("field") == "event_type")
            let large = #"{"event_type": "order.paid", "payload": "\#(String(repeating: "x", count: 262_144))"}"#
            let refused = try await rig.ask("POST", "/v1/events", token, large)
            #expect(refused.status == 422 && refused.text("field") == "payload")
            #expect(
                try await rig.value("SELECT payload::text || tenant FROM postrider.outbox")
                    == #"{"b": 1.50,  "a": 2}ta"#)
            for _ in 0..<2 { _ = try await rig.ask("POST", "/v1/events", token, event) }

            var path = "/v1/webhooks/shop/deliveries?limit=2"
            let page = try await rig.ask("GET", path, token)
            path += "&cursor=\(try #require(page.text("next_cursor")))"
            let last = try await rig.ask("GET", path, token)
            #expect(last.text("next_cursor") == nil && last.body.contains(first.text("event_id") ?? "?"))
            let id = try #require(last.body.firstMatch(of: #/"id": "(dlv_[^"]+)"/#)?.1)
            #expect(try await rig.ask("POST", "/v1/deliveries/\(id)/replay", token).status == 409)
            // As a worker would leave them: one is dead, one is delivered.
            try await rig.outbox.script(
                """
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker,
                    http_status, error_code, error, response_body, remote_address)
                SELECT clock_timestamp(), d.event_at, d.event_id, d.endpoint_id, 1, 1500, 1, CASE WHEN d.id = 1 THEN 2 ELSE 0 END, 1,
                    CASE WHEN d.id = 1 THEN 500 ELSE 200 END, CASE WHEN d.id = 1 THEN 'http_status' END, 'canary', 'canary', '10.9.8.7'
                FROM postrider.deliveries d WHERE d.id IN (1, 2);
                INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, reason)
                SELECT d.id, d.event_id, d.event_at, d.endpoint_id, d.bytes, 1, 'max_attempts' FROM postrider.deliveries d WHERE d.id = 1;
                DELETE FROM postrider.deliveries d WHERE d.id IN (1, 2);
                """)
            let dead = try await rig.ask(
                "GET", "/v1/webhooks/shop/deliveries?status=dead&since=2020-01-01T00:00:00Z", token)
            #expect(dead.body.contains(id) && dead.body.contains(#""last_http_status""#))
            let shown = try await rig.ask("GET", "/v1/deliveries/\(id)", token)
            #expect(shown.text("status") == "dead" && shown.body.contains(#""http_status": 500"#))
            // What receivers answered, and from where, is not told.
            #expect(!shown.body.contains("canary") && !shown.body.contains("10.9.8.7"))
            #expect(try await rig.ask("POST", "/v1/deliveries/\(id)/replay", token).status == 202)
            #expect(try await rig.ask("GET", "/v1/deliveries/\(id)", token).text("status") == "pending")
            let delivered = try await rig.ask("GET", "/v1/webhooks/shop/deliveries?status=delivered", token)
            let done = try #require(delivered.body.firstMatch(of: #/"id": "(dlv_[^"]+)"/#)?.1)
            #expect(try await rig.ask("POST", "/v1/deliveries/\(done)/replay", token).status == 202)
            #expect(try await rig.value("SELECT tenant || endpoint FROM postrider.replay_jobs") == "tashop")
            let bad = try await rig.ask("GET", "/v1/webhooks/shop/deliveries?since=2020-02-31T00:00:00Z", token)
            #expect(bad.status == 400 && bad.text("code") == "invalid_request")

            let types = try await rig.ask("GET", "/v1/event-types?limit=1", token)
            #expect(types.body.contains("order.paid") && !types.body.contains("order.sent"))
            let more = try await rig.ask(
                "GET", "/v1/event-types?cursor=\(try #require(types.text("next_cursor")))", token)
            #expect(
                more.body.contains("order.sent") && !more.body.contains("order.paid") && more.text("next_cursor") == nil
            )
        }
    }

    @Test("with a key file secrets are sealed where they are made")
    func sealed() async throws {
        let keyFile = "k1:" + String(repeating: "ab", count: 32) + "\n"
        try await APIRig.with(keyFile: keyFile) { rig, _ in
            let token = try await rig.token("a", of: "ta")
            var shown = try #require(
                try await rig.ask("POST", "/v1/webhooks/register", token, Self.body).text("secret"))
            let sealing = try SecretSealing(keyFile: Array(keyFile.utf8))
            let context = SealingContext(endpoint: "shop", tenant: "ta", purpose: .signingSecret)
            for _ in 0..<2 {
                let stored = try await rig.value(
                    "SELECT secret FROM postrider.endpoint_secrets WHERE public_key IS NULL ORDER BY id DESC LIMIT 1")
                #expect(try sealing.open(try #require(stored), for: context) == shown)
                try await rig.outbox.script(
                    "SELECT postrider.update_endpoint('shop', signature => '{v1,v1a}', tenant => 'ta')")
                shown = try #require(try await rig.ask("POST", "/v1/webhooks/shop/rotate-secret", token).text("secret"))
            }
            #expect(
                try await rig.value(
                    "SELECT secret LIKE 'sealed:%' FROM postrider.endpoint_secrets WHERE public_key IS NOT NULL ORDER BY id DESC LIMIT 1"
                )
                    == "t")
        }
    }

    @Test("while somebody holds a webhook its customer hears so, and all others are answered")
    func held() async throws {
        try await APIRig.with { rig, _ in
            let (token, other) = (try await rig.token("a", of: "ta"), try await rig.token("b", of: "tb"))
            for token in [token, other] { _ = try await rig.ask("POST", "/v1/webhooks/register", token, Self.body) }
            let holder = try await rig.outbox.connect()
            try await holder.withTransaction(deadline: .seconds(20)) { (act) async throws in
                _ = try await act.query("SELECT postrider.pause_endpoint('shop', 'ta')", deadline: .seconds(5))
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<TokenBudget.atOnce {
                        group.addTask { try await rig.ask("POST", "/v1/webhooks/shop/pause", token).status }
                    }
                    try await Task.sleep(for: .milliseconds(300))
                    let began = ContinuousClock.now
                    #expect(try await rig.ask("POST", "/v1/webhooks/shop/pause", other).status == 200)
                    #expect(try await rig.ask("GET", "/v1/webhooks/shop", token).status == 429)
                    #expect(ContinuousClock.now - began < .seconds(1))
                    for try await status in group { #expect(status == 503) }
                }
            }
            await holder.close()
            let after = try await rig.ask("POST", "/v1/webhooks/shop/pause", token)
            #expect(after.status == 200)
        }
    }

    @Test("two doors of one process know nothing of each other's paths, and close together")
    func twoDoors() async throws {
        try await APIRig.with(inbox: true) { rig, addresses in
            let inbox = try #require(addresses.first { $0 != rig.address })
            #expect(
                try await DoorClient.send("GET", "/v1/openapi.json", to: inbox).body == #"{"error":"not_found"}"# + "\n"
            )
            let token = try await rig.token("a", of: "ta")
            #expect(try await rig.ask("POST", "/in/any", token, "{}").text("code") == "not_found")
            #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200)
            try await until("the API is ready") { rig.log.text.contains("the API is ready") }
        }
    }

    @Test("a stop answers the requests that wait for the database, and takes no more")
    func stops() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            _ = try await rig.ask("POST", "/v1/webhooks/register", token, Self.body)
            let holder = try await rig.outbox.connect()
            let answers = try await holder.withTransaction(deadline: .seconds(20)) { transaction in
                try await transaction.execute(
                    script: "SELECT FROM postrider.endpoints FOR UPDATE", deadline: .seconds(5))
                let answers = ["pause", "rotate-secret", "pause"].map { act in
                    Task { try await rig.ask("POST", "/v1/webhooks/shop/\(act)", token).status }
                }
                try await until("the requests wait for the database") {
                    try await rig.value(
                        "SELECT count(*) FROM pg_stat_activity WHERE usename = '\(rig.role)' AND wait_event_type = 'Lock'"
                    )
                        == "3"
                }
                await rig.group.triggerGracefulShutdown()
                try await until("the door is closed") {
                    (try? await rig.ask("GET", "/v1/webhooks", token)) == nil
                }
                return answers
            }
            for answer in answers { #expect(try await answer.value == 200) }
            await holder.close()
        }
    }

    @Test("when a token was last good is noted once a minute, and no request waits for that")
    func lastUse() async throws {
        try await APIRig.with { rig, _ in
            let token = try await rig.token("a", of: "ta")
            let used = "SELECT used_at > clock_timestamp() - interval '30 s' FROM postrider.tokens"
            #expect(try await rig.value("SELECT last_used_at IS NULL FROM postrider.token_list") == "t")
            #expect(try await rig.ask("GET", "/v1/webhooks/none", token).status == 404)
            #expect(try await rig.value(used) == "f")
            #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200)
            #expect(try await rig.value(used) == "t")
            let version = "SELECT xmin FROM postrider.tokens"
            let first = try await rig.value(version)
            #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200)
            #expect(try await rig.value(version) == first)

            try await rig.outbox.script("UPDATE postrider.tokens SET used_at = used_at - interval '61 s'")
            let holder = try await rig.outbox.connect()
            try await holder.withTransaction(deadline: .seconds(20)) { (act) async throws in
                try await act.execute(
                    script: "SAVEPOINT before; SELECT postrider.revoke_token('a')", deadline: .seconds(5))
                let began = ContinuousClock.now
                for _ in 0..<2 { #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200) }
                #expect(ContinuousClock.now - began < .seconds(1))
                try await act.execute(script: "ROLLBACK TO SAVEPOINT before", deadline: .seconds(5))
            }
            await holder.close()
            #expect(try await rig.value(used) == "f")
            #expect(try await rig.ask("GET", "/v1/webhooks", token).status == 200)
            #expect(try await rig.value(used) == "t")
        }
    }
}
