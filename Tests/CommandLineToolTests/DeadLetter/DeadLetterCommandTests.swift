import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct DeadLetterCommandTests {
    /// Endpoints `a` and `b`, and dead letters 1 to `count` × 2 of them.
    private func bury(_ count: Int, in installation: Installation) async throws {
        for name in ["a", "b"] { _ = await installation.run("endpoint", "add", name, "http://127.0.0.1:8099/") }
        for number in 0..<count {
            try await installation.sql(
                "SELECT postrider.publish($1, $2::json)", number % 2 == 0 ? "order.paid" : "order.sent", "{\"n\": 1.10}"
            )
        }
        try await installation.recordAttempts(body: Hostile.text)
        try await installation.bury()
    }

    private func count(_ installation: Installation) async throws -> String? {
        try await installation.sql("SELECT count(*) FROM postrider.dead")
    }

    @Test func listAndShow() async throws {
        try await Installation.with { (installation) async throws in
            #expect(await installation.run("dead-letter", "list").error == "There are no dead letters.\n")
            try await bury(2, in: installation)
            let all = try await installation.run("dead-letter", "list", "--json").objects("dead_letters")
            #expect(all.map { $0["id"] as? Int } == [4, 3, 2, 1])
            let ofA = try await installation.run("dead-letter", "list", "--endpoint", "a", "--json")
                .objects("dead_letters")
            #expect(ofA.map { $0["event_id"] as? Int } == [2, 1])
            #expect(ofA.first?["last_http_status"] as? Int == 500)
            #expect(ofA.first?["reason"] as? String == "attempts_exhausted")
            let human = await installation.run("dead-letter", "list", "--limit", "1", width: 120)
            #expect(human.output.hasPrefix("ID  ENDPOINT"))
            #expect(human.error.contains("may be more"))
            #expect(await installation.run("dead-letter", "list", "--endpoint", "none").status == .badData)
            #expect(await installation.run("dead-letter", "list", "--limit", "-1").status == .usage)

            let shown = try await installation.run("dead-letter", "show", "1", "--json").json()
            #expect(shown["payload"] as? String == "{\"n\": 1.10}")
            #expect(shown["attempts"] as? Int == 3)
            #expect((shown["attempt_log"] as? [[String: Any]])?.count == 1)
            let request = try #require(shown["request"] as? [String: Any])
            #expect(request["url"] as? String == "http://127.0.0.1:8099/")
            let text = await installation.run("dead-letter", "show", "1")
            #expect(text.output.contains("a, attempt 1: answered 500\n"))
            #expect(text.output.contains("http_status: the endpoint answered 500"))
            #expect(text.isHarmless)
            #expect(await installation.run("dead-letter", "show", "99").error.contains("there is no dead letter 99"))
            #expect(await installation.run("dead-letter", "show", "99").status == .badData)
            #expect(await installation.run("dead-letter", "show", "x").status == .usage)
        }
    }

    @Test func replayOfSomeIsAllOrNone() async throws {
        try await Installation.with { (installation) async throws in
            try await bury(2, in: installation)
            let unknown = await installation.run("dead-letter", "replay", "1", "99")
            #expect(unknown.status == .badData)
            #expect(unknown.error.contains("99"))
            #expect(try await count(installation) == "4")
            let preview = await installation.run("dead-letter", "replay", "1", "2", "--dry-run")
            #expect(preview.output == "Would replay 2 dead letters; nothing was changed.\n")
            #expect(try await count(installation) == "4")
            let replayed = try await installation.run("dead-letter", "replay", "1", "2", "1", "--json").json()
            #expect(replayed["replayed"] as? Int == 2)
            #expect(replayed["dry_run"] as? Bool == false)
            #expect(try await count(installation) == "2")
            #expect(
                try await installation.sql("SELECT count(*) FROM postrider.deliveries WHERE attempt_base = 3") == "2")
        }
    }

    @Test func replayOfAllIsSelective() async throws {
        try await Installation.with { (installation) async throws in
            try await bury(4, in: installation)
            try await installation.sql("UPDATE postrider.dead SET dead_at = now() - interval '3 h' WHERE event_id <= 2")
            func replay(_ options: String...) async throws -> Int? {
                try await installation.run(["dead-letter", "replay", "--json"] + options).json()["replayed"] as? Int
            }
            #expect(try await replay("--all", "--dry-run") == 8)
            #expect(try await replay("--endpoint", "a", "--dry-run") == 4)
            #expect(try await replay("--all", "--since", "1h", "--dry-run") == 4)
            #expect(try await replay("--all", "--until", "1h", "--dry-run") == 4)
            #expect(try await replay("--all", "--event-type", "order.sent", "--dry-run") == 4)
            #expect(try await replay("--all", "--max", "3", "--dry-run") == 3)
            #expect(try await count(installation) == "8")
            #expect(try await replay("--endpoint", "b", "--since", "1h") == 2)
            #expect(try await replay("--all", "--max", "1") == 1)
            #expect(try await replay("--all") == 5)
            #expect(try await count(installation) == "0")
            #expect(try await replay("--all") == 0)
        }
    }

    @Test func replayLeavesWhatHasExpired() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            for expiry in ["-1 s", "-1 h", "1 h"] {
                try await installation.sql("SELECT postrider.publish('x', '1', expires_at => now() + $1)", expiry)
            }
            try await installation.bury()
            let preview = await installation.run("dead-letter", "replay", "--endpoint", "a", "--dry-run")
            #expect(
                preview.output == """
                    Would replay 1 dead letter; nothing was changed.
                    2 have expired and would be left; --ignore-expiry sends them all the same.

                    """)
            let one = await installation.run("dead-letter", "replay", "1")
            #expect(
                one.output == """
                    Replayed 0 dead letters.
                    1 has expired and was left; --ignore-expiry sends it all the same.

                    """)
            #expect(try await count(installation) == "3")
            let all = try await installation.run("dead-letter", "replay", "--all", "--json").json()
            #expect(all["replayed"] as? Int == 1)
            #expect(all["expired"] as? Int == 2)
            #expect(all["spent"] as? Int == 0)
            let some = try await installation.run("dead-letter", "replay", "1", "--ignore-expiry", "--json").json()
            #expect(some["replayed"] as? Int == 1)
            try await installation.sql("UPDATE postrider.dead SET attempts = 32000")
            let spent = await installation.run("dead-letter", "replay", "--all", "--ignore-expiry")
            #expect(spent.output.contains("Replayed 0 dead letters.\n1 cannot be replayed any more"))
            #expect(await installation.run("dead-letter", "replay", "2").error.contains("31000 attempts"))
            #expect(try await count(installation) == "1")
        }
    }

    @Test func replayGoesOnBatchByBatch() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            let number = Replay.batch * 2 + 1
            try await installation.sql(
                "INSERT INTO postrider.outbox (event_type, payload) SELECT 'a.b', '{}' FROM generate_series(1, $1::int)",
                "\(number)")
            try await installation.bury()
            let most = await installation.run(
                "dead-letter", "replay", "--all", "--max", "\(Replay.batch + 5)", "--json")
            #expect(try most.json()["replayed"] as? Int == Replay.batch + 5)
            let rest = await installation.run("dead-letter", "replay", "--all")
            #expect(rest.output == "Replayed \(Replay.batch - 4) dead letters.\n")
            #expect(try await installation.sql("SELECT count(*) FROM postrider.deliveries") == "\(number)")
        }
    }

    @Test func replayNeedsOneSelection() async throws {
        try await Installation.with { (installation) async throws in
            for options in [
                [], ["1", "--all"], ["--endpoint", "a", "--all"], ["1", "--since", "1h"], ["1", "--max", "1"], ["x"],
                ["--all", "--since", "yesterday"], ["--all", "--max", "x"],
            ] {
                let ended = await installation.run(["dead-letter", "replay"] + options)
                #expect(ended.status == .usage, "\(options)")
            }
            #expect(await installation.run("dead-letter", "replay", "--all", "--max", "0").status == .badData)
            #expect(await installation.run("dead-letter", "replay", "--all", "--event-type", "a b").status == .badData)
            let unknown = await installation.run("dead-letter", "replay", "--endpoint", "none")
            #expect(unknown.status == .badData)
            #expect(
                unknown.error == "postrider: there is no endpoint named 'none'; postrider endpoint list shows all\n")
        }
    }

    @Test func discardKeepsTheReason() async throws {
        try await Installation.with { (installation) async throws in
            try await bury(1, in: installation)
            #expect(await installation.run("dead-letter", "discard", "1", "--why", " ").status == .badData)
            let unknown = await installation.run("dead-letter", "discard", "99", "--why", "x")
            #expect(unknown.status == .badData)
            #expect(unknown.error == "postrider: there is no dead letter 99\n")
            let declined = await installation.run("dead-letter", "discard", "1", "--why", "gone", answer: "no")
            #expect(declined.status == .failure)
            #expect(
                declined.error
                    == "Discard dead letter 1? It cannot be replayed after that. Type yes:\npostrider: nothing was changed\n"
            )
            let discarded = await installation.run("dead-letter", "discard", "1", "--why", "gone", "--json")
            #expect(try discarded.json()["discarded"] as? Bool == true)
            #expect(try await count(installation) == "1")
            #expect(try await installation.sql("SELECT reason FROM postrider.closed") == "discarded: gone")
        }
    }
}
