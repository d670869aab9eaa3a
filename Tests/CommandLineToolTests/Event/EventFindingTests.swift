import TestSupport
import Testing

@testable import CommandLineTool
@testable import OutboxStore

@Suite(.timeLimit(.minutes(2))) struct EventFindingTests {
    /// Two tenants, two endpoints each; of six events two are delivered, one is dead, one cancelled, one retrying, one pending.
    private func fill(_ installation: Installation) async throws {
        for (name, tenant) in [("a", ""), ("b", ""), ("c", "acme")] {
            _ = await installation.run(
                "endpoint", "add", name, "http://127.0.0.1:8099/", "--tenant", tenant, "--event-type", "order.*")
        }
        for (number, type) in ["order.paid", "order.sent", "order.paid"].enumerated() {
            _ = await installation.run(
                "event", "publish", type, #"{"n": \#(number), "who": {"id": "c\#(number)", "tags": ["x", "é"]}}"#,
                "--idempotency-key", "i\(number)", "--ordering-key", "k\(number % 2)", "--endpoint", "a")
        }
        _ = await installation.run("event", "publish", "order.paid", #"{"bad": "\u0000"}"#, "--tenant", "acme")
        _ = await installation.run("event", "publish", "other")
        try await installation.sql(
            """
            UPDATE postrider.deliveries SET attempt = 1, due_at = now() + interval '1 h' WHERE event_id = 1
            """)
        try await installation.sql(
            """
            WITH gone AS (DELETE FROM postrider.deliveries WHERE event_id = 2 RETURNING *)
            INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, ordering_key, reason, last_http_status,
                last_error_code, last_error)
            SELECT g.id, g.event_id, g.event_at, g.endpoint_id, g.bytes, 1, g.ordering_key, 'attempts_exhausted', 401, 'http_status', 'x'
            FROM gone g
            """)
        try await installation.sql(
            """
            INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker,
                http_status, error_code)
            SELECT now(), d.event_at, d.event_id, d.endpoint_id, 1, 1, 1, 1, 7, NULL, 'timeout'
            FROM postrider.deliveries d WHERE d.event_id = 1
            """)
    }

    @Test func findsByEachThingAnEventHas() async throws {
        try await Installation.with { (installation) async throws in
            try await fill(installation)
            let ids = try await installation.run("event", "show", "3", "--json").json()
            let webhookID = try #require(ids["webhook_id"] as? String)
            let cases: [([String], [Int])] = [
                ([], [5, 4, 3, 2, 1]), (["--tenant", "acme"], [4]), (["--type", "order.paid"], [4, 3, 1]),
                (["--endpoint", "a"], [3, 2, 1]), (["--endpoint", "c", "--type", "order.*"], [4]),
                (["--status", "retrying"], [1]), (["--status", "pending"], [4, 3]), (["--status", "dead"], [2]),
                (["--status", "no_subscriber"], [5]), (["--status", "delivered"], []),
                (["--error-code", "timeout"], [1]), (["--error-code", "http_status"], [2]),
                (["--http-status", "401"], [2]), (["--http-status", "200"], []),
                (["--ordering-key", "k0"], [3, 1]), (["--ordering-key", "k0", "--status", "pending"], [3]),
                (["--idempotency-key", "i1"], [2]), (["--idempotency-key", "i1", "--tenant", "acme"], []),
                (["--webhook-id", webhookID], [3]), (["--webhook-id", webhookID + "7"], []),
                (["--payload", "n=2"], [3]), (["--payload", "who.id=c1"], [2]),
                (["--payload", "who.tags.1=é"], [3, 2, 1]),
                (["--payload", "who.id=c"], []), (["--payload", "bad=x"], []), (["--since", "1h"], [5, 4, 3, 2, 1]),
                (["--until", "1h"], []), (["--status", "dead", "--payload", "n=1", "--tenant", ""], [2]),
                (["--status", "pending", "--type", "order.sent"], []),
            ]
            for (options, events) in cases {
                let found = try await installation.run(["event", "list", "--json"] + options).objects("deliveries")
                #expect(found.map { $0["event_id"] as? Int } == events, "\(options)")
            }
            for (options, words) in [
                (["--error-code", "no"], "--error-code"), (["--payload", "x"], "--payload"),
                (["--http-status", "7"], "--http-status"), (["--webhook-id", "x"], "not an event"),
                (["--before", "99"], "no event 99"),
            ] {
                #expect(await installation.run(["event", "list"] + options).error.contains(words), "\(options)")
            }
        }
    }

    @Test func whatIsStuckIsFoundHoweverOldItIs() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/", "--event-type", "order.*")
            _ = await installation.run("event", "publish", "order.old")
            try await installation.sql("UPDATE postrider.deliveries SET attempt = 1, due_at = now() + interval '1 h'")
            // More than the newest 20,000.
            try await installation.sql(
                """
                INSERT INTO postrider.outbox (event_type, payload) SELECT 'other', '{}' FROM generate_series(1, 25000)
                """)
            let found = await installation.run("event", "list", "--status", "retrying", "--json")
            #expect(try found.objects("deliveries").map { $0["event_id"] as? Int } == [1])
            // And what has no index is looked for in all of them.
            let byType = await installation.run("event", "list", "--type", "order.*", "--json")
            #expect(try byType.objects("deliveries").map { $0["event_id"] as? Int } == [1])
        }
    }

    @Test func pagesFollowEachOther() async throws {
        try await Installation.with { (installation) async throws in
            for name in ["a", "b"] { _ = await installation.run("endpoint", "add", name, "http://127.0.0.1:8099/") }
            for _ in 0..<5 { _ = await installation.run("event", "publish", "order.paid") }
            var options = ["--limit", "5"]
            var seen: [String] = []
            for _ in 0..<4 {
                let page = await installation.run(["event", "list", "--json"] + options)
                seen += try page.objects("deliveries").map { "\($0["event_id"] ?? "")\($0["endpoint"] ?? "")" }
                guard let next = try page.json()["next"] as? String else { break }
                options = ["--limit", "5", "--before", next]
            }
            #expect(seen == ["5a", "5b", "4a", "4b", "3a", "3b", "2a", "2b", "1a", "1b"])
            let human = await installation.run("event", "list", "--limit", "2")
            #expect(human.error == "There may be more: --before 5 lists what is older, --limit more at once.\n")
            #expect(await installation.run("event", "list", "--limit", "10").error == "")
        }
    }

    @Test func aDeadLetterIsFoundByEachThingItHas() async throws {
        try await Installation.with { (installation) async throws in
            try await fill(installation)
            for (options, count) in [
                ([], 1), (["--error-code", "http_status", "--http-status", "401"], 1), (["--http-status", "500"], 0),
                (["--tenant", "acme"], 0), (["--type", "order.*", "--payload", "who.id=c1"], 1),
                (["--payload", "n=7"], 0),
                (["--ordering-key", "k1"], 1), (["--idempotency-key", "i1"], 1), (["--idempotency-key", "i2"], 0),
                (["--reason", "attempts_exhausted"], 1), (["--reason", "x"], 0), (["--since", "1h"], 1),
                (["--until", "1h"], 0),
                (["--before", "2"], 0),
            ] {
                let found = try await installation.run(["dead-letter", "list", "--json"] + options).objects(
                    "dead_letters")
                #expect(found.count == count, "\(options)")
            }
        }
    }
}

@Suite struct SearchPaceTests {
    @Test func takesMoreWhileItIsQuickAndLessWhenItIsSlow() {
        var pace = SearchPace(limit: 20)
        #expect(pace.count == SearchPace.least)
        pace.took(.milliseconds(10))
        #expect(pace.count == 800)
        pace.took(.milliseconds(500))
        #expect(pace.count == 800)
        pace.took(.seconds(2))
        #expect(pace.count == 400)
        for _ in 0..<20 { pace.took(.zero) }
        #expect(pace.count == SearchPace.most)
        for _ in 0..<20 { pace.took(.seconds(9)) }
        #expect(pace.count == SearchPace.least)
        #expect(SearchPace(limit: 10_000).count == 10_000)
    }
}
