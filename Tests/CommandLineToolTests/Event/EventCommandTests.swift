import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EventCommandTests {
    @Test func publishesWithAllItsColumns() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/", "--tenant", "acme")
            let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            let published = await installation.run(
                "event", "publish", "order.paid", #"{ "b":1.10, "a":"é😀", "b":2 }"#, "--endpoint", "a", "--tenant",
                "acme",
                "--ordering-key", "k", "--idempotency-key", "i", "--header", "X-A: b", "--deliver-after", "2h",
                "--expires-at", "2099-01-01T00:00:00Z", "--traceparent", traceparent, "--json")
            #expect(published.status == .done, "\(published.error)")
            let report = try published.json()
            #expect(report["reused"] as? Bool == false)
            let shown = try await installation.run("event", "show", "1", "--json").json()
            #expect(shown["payload"] as? String == #"{ "b":1.10, "a":"é😀", "b":2 }"#)
            #expect(shown["ordering_key"] as? String == "k")
            #expect(shown["idempotency_key"] as? String == "i")
            #expect(shown["headers"] as? [String: String] == ["X-A": "b"])
            #expect(shown["expires_at"] as? String == "2099-01-01T00:00:00.000000Z")
            #expect(shown["traceparent"] as? String == traceparent)
            #expect(shown["endpoint"] as? String == "a")
            #expect(shown["webhook_id"] as? String == report["webhook_id"] as? String)
            #expect((shown["deliveries"] as? [[String: Any]])?.count == 1)
            #expect(
                try await installation.sql(
                    "SELECT deliver_after BETWEEN now() + interval '115 min' AND now() + interval '125 min' "
                        + "FROM postrider.outbox") == "t")

            let again = await installation.run(
                "event", "publish", "order.paid", "{}", "--tenant", "acme", "--idempotency-key", "i")
            #expect(again.status == .done)
            #expect(again.output.contains("nothing was stored"))
        }
    }

    @Test func aKnownKeySaysWhatBecameOfItsEvent() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            let publish = ["event", "publish", "order.paid", "--idempotency-key", "k"]
            #expect(try await installation.run(publish + ["--json"]).json()["state"] == nil)
            #expect(try await installation.run(publish + ["--json"]).json()["state"] as? String == "pending")
            let cancelled = await installation.run("event", "cancel", "1")
            #expect(cancelled.error.contains("idempotency key stays taken"))
            let again = await installation.run(publish)
            #expect(again.status == .done)
            #expect(again.output.contains("already has this idempotency key (cancelled, ended at 2"))

            // A producer may not read events, and hears it all the same.
            try await installation.sql("CREATE ROLE a_producer LOGIN IN ROLE postrider_producer")
            let url = installation.database.url.replacing("postgres@", with: "a_producer@", maxReplacements: 1)
            let asProducer = await installation.run(
                publish + ["--json"], environment: ["POSTRIDER_DATABASE_URL": url])
            #expect(try asProducer.json()["state"] as? String == "cancelled", "\(asProducer.error)")
            #expect(try asProducer.json()["ended_at"] != nil)
            try await installation.sql("DROP ROLE a_producer")
        }
    }

    @Test func payloadMayComeFromStandardInputAndBeAnything() async throws {
        try await Installation.with { (installation) async throws in
            let published = await installation.run(
                "event", "publish", "a.b", "-", "--content-type", "application/xml", input: "<a>\(Hostile.text)</a>")
            #expect(published.status == .done, "\(published.error)")
            let shown = await installation.run("event", "show", "1")
            #expect(shown.status == .done)
            #expect(shown.output.contains("application/xml"))
            #expect(shown.isHarmless)
            let json = try await installation.run("event", "show", "1", "--json").json()
            #expect(json["content_type"] as? String == "application/xml")
            #expect((json["body_base64"] as? String)?.isEmpty == false)
            #expect(json["payload"] == nil)
            #expect(await installation.run("event", "publish", "a.b").status == .done)
            #expect(try await installation.run("event", "show", "2", "--json").json()["payload"] as? String == "{}")
        }
    }

    @Test func mistakesAreNamed() async throws {
        try await Installation.with { (installation) async throws in
            let cases: [([String], CommandStatus, String)] = [
                (["order paid"], .badData, "event type"), (["a.b", "not json"], .badData, "--content-type"),
                (["a.b", "{}", "--content-type", "x"], .badData, "content type"),
                (["a.b", "{}", "--traceparent", "x"], .badData, "traceparent"),
                (["a.b", "{}", "--ordering-key", String(repeating: "k", count: 513)], .badData, "ordering_key"),
                (["a.b", "{}", "--header", "Host: x"], .badData, "Host"),
                (["a.b", "{}", "--endpoint", "nobody"], .badData, "nobody"),
                (["a.b", "{}", "--deliver-after", "soon"], .usage, "2024"),
                (["a.b", String(repeating: "1", count: 262_145)], .badData, "262144"),
                ([], .usage, "type"), (["a.b", "{}", "x"], .usage, "x"),
            ]
            for (arguments, status, words) in cases {
                let ended = await installation.run(["event", "publish"] + arguments)
                #expect(ended.status == status, "\(arguments.first ?? "") \(ended.error)")
                #expect(ended.error.contains(words), "\(ended.error)")
                #expect(ended.output.isEmpty)
            }
            #expect(try await installation.sql("SELECT count(*) FROM postrider.outbox") == "0")
        }
    }

    @Test func listFilters() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/", "--event-type", "order.*")
            _ = await installation.run("endpoint", "add", "b", "http://127.0.0.1:8099/", "--event-type", "order.paid")
            for type in ["order.paid", "order.sent", "other"] { _ = await installation.run("event", "publish", type) }
            func list(_ options: String...) async throws -> [String] {
                try await installation.run(["event", "list", "--json"] + options).objects("deliveries").map {
                    "\($0["event_id"] ?? "?") \($0["endpoint"] ?? "-") \($0["status"] ?? "?")"
                }
            }
            #expect(
                try await list() == ["3 - no_subscriber", "2 a pending", "1 a pending", "1 b pending"])
            #expect(try await list("--limit", "2") == ["3 - no_subscriber", "2 a pending"])
            #expect(try await list("--type", "order.paid") == ["1 a pending", "1 b pending"])
            #expect(try await list("--type", "order.*", "--endpoint", "a") == ["2 a pending", "1 a pending"])
            #expect(try await list("--status", "no_subscriber") == ["3 - no_subscriber"])
            #expect(try await list("--status", "dead") == [])
            #expect(try await list("--type", "*").count == 4)
            let human = await installation.run("event", "list")
            #expect(human.output.hasPrefix("EVENT  TYPE        ENDPOINT  STATUS"))
            #expect(await installation.run("event", "list", "--status", "gone").status == .badData)
            #expect(await installation.run("event", "list", "--type", "*.x").status == .badData)
            #expect(await installation.run("event", "list", "--endpoint", "none").error.contains("'none'"))
            #expect(await installation.run("event", "list", "--limit", "10001").status == .badData)
            #expect(await installation.run("event", "list", "--limit", "x").status == .usage)
            #expect(
                await installation.run("event", "list", "--status", "dead").error
                    == "There are no such events.\n")
        }
    }

    @Test func showTellsTheWholeStory() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            let published = try await installation.run("event", "publish", "order.paid", "--json").json()
            try await installation.recordAttempts(body: Hostile.text)
            let webhookID = try #require(published["webhook_id"] as? String)
            let shown = try await installation.run("event", "show", webhookID, "--json").json()
            let attempt = try #require((shown["attempts"] as? [[String: Any]])?.first)
            #expect(attempt["endpoint"] as? String == "a")
            #expect(attempt["attempt"] as? Int == 1)
            #expect(attempt["outcome"] as? String == "retry")
            #expect(attempt["duration_ms"] as? Double == 12.345)
            #expect(attempt["http_status"] as? Int == 500)
            #expect(attempt["response_body"] as? String == Hostile.text)
            #expect((attempt["timings"] as? [String: Double])?["connect_ms"] == 1.5)
            let human = await installation.run("event", "show", "1", width: 120)
            #expect(human.output.contains("it matched a\n"))
            #expect(human.output.contains("a, attempt 1: answered 500\n"))
            #expect(human.output.contains("12.345 ms: connect 1.5, worker 7, to 127.0.0.1\n"))
            #expect(human.output.contains("  a: attempt 1 of 10, due "))
            #expect(human.isHarmless)
            let narrow = await installation.run("event", "show", "1", width: 80).output
            #expect(narrow.split(separator: "\n").allSatisfy { DisplayWidth.of(String($0)) <= 80 }, "\(narrow)")

            for unknown in ["2", "evt_00000000_1", webhookID + "0"] {
                let ended = await installation.run("event", "show", unknown)
                #expect(ended.status == .badData)
                #expect(ended.error.contains("there is no event \(unknown)"))
            }
            #expect(await installation.run("event", "show", "x").status == .usage)
        }
    }

    @Test func cancelCallsBack() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            _ = await installation.run("event", "publish", "order.paid")
            let cancelled = await installation.run("event", "cancel", "1", "--json")
            #expect(try cancelled.json()["cancelled"] as? Int == 1)
            #expect(await installation.run("event", "cancel", "1").output == "Event 1 has no unfinished deliveries.\n")
            #expect(await installation.run("event", "cancel", "2").error.contains("there is no event 2"))
            #expect(await installation.run("event", "cancel", "2").status == .badData)
            #expect(
                try await installation.run("event", "list", "--status", "cancelled", "--json").objects("deliveries")
                    .count
                    == 1)
        }
    }
}

@Suite struct EventReferenceTests {
    @Test func numberAndWebhookID() throws {
        #expect(try EventReference("4711").id == 4711)
        #expect(try EventReference("4711").webhookID == nil)
        #expect(try EventReference("evt_797e2830_12").id == 12)
        #expect(try EventReference("evt_797e2830_12").webhookID == "evt_797e2830_12")
    }

    @Test(arguments: [
        "", "0", "-1", "+1", "1.0", "evt_", "evt_x", "evt_x_", "evt_x_y", "99999999999999999999", "①", "x", "evt_a_-1",
    ])
    func anythingElseIsAMistakeOfUsage(text: String) {
        let error = #expect(throws: CommandError.self) { try EventReference(text) }
        #expect(error?.status == .usage)
    }
}
