import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EndpointCommandTests {
    private func add(_ name: String, in installation: Installation, _ options: String...) async {
        let added = await installation.run(["endpoint", "add", name, "http://127.0.0.1:8099/\(name)"] + options)
        #expect(added.status == .done, "\(added.error)")
    }

    @Test func aRegistrarUpdatesAnEndpointOfTheTenantThatItNames() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation, "--tenant", "acme")
            let login = "\(installation.database.name)_portal"
            try await installation.sql("CREATE ROLE \(login) LOGIN IN ROLE postrider_registrar")
            let environment = [
                "POSTRIDER_DATABASE_URL": installation.database.tcpURL.replacing("postgres@", with: "\(login)@")
            ]
            let url = "http://127.0.0.1:8099/moved"
            let changed = await installation.run(
                "endpoint", "update", "a", "--tenant", "acme", "--url", url, environment: environment)
            #expect(changed.status == .done && changed.output == "Changed endpoint a.\n", "\(changed.error)")
            #expect(try await installation.sql("SELECT url FROM postrider.endpoint_settings") == url)
            let unnamed = await installation.run("endpoint", "update", "a", "--url", url, environment: environment)
            #expect(unnamed.status != .done)
            try await installation.sql("DROP ROLE \(login)")
        }
    }

    @Test func listCountsWhatIsOwed() async throws {
        try await Installation.with { (installation) async throws in
            let empty = await installation.run("endpoint", "list")
            #expect(empty.status == .done)
            #expect(empty.output.isEmpty)
            #expect(empty.error.contains("no endpoints yet"))
            #expect(try await installation.run("endpoint", "list", "--json").objects("endpoints").isEmpty)

            await add("open", in: installation)
            await add("closed", in: installation)
            _ = await installation.run("endpoint", "pause", "closed")
            for _ in 0..<3 { _ = await installation.run("event", "publish", "order.paid") }
            try await installation.sql("UPDATE postrider.deliveries SET attempt = 1 WHERE event_id = 1")
            try await installation.sql(
                """
                UPDATE postrider.deliveries SET attempt = 1, lease_by = 1, lease_until = now() + interval '1 h'
                WHERE event_id = 2
                """)
            let listed = try await installation.run("endpoint", "list", "--json").objects("endpoints")
            #expect(listed.map { $0["endpoint"] as? String } == ["closed", "open"])
            #expect(listed.map { $0["state"] as? String } == ["paused", "active"])
            #expect(listed.map { $0["pending"] as? Int } == [0, 1])
            #expect(listed.map { $0["retrying"] as? Int } == [0, 1])
            #expect(listed.map { $0["in_flight"] as? Int } == [1, 1])
            #expect(listed.map { $0["held"] as? Int } == [2, 0])
            #expect(listed.map { $0["counts_capped"] as? Bool } == [false, false])
            #expect((listed.last?["oldest_due_age_seconds"] as? Double ?? -1) >= 0)

            let human = await installation.run("endpoint", "list", width: 160)
            let lines = human.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.first?.hasPrefix("ENDPOINT") == true)
            #expect(lines.last?.hasPrefix("open      active  http://127.0.0.1:8099/open") == true)
            #expect(await installation.run("endpoint", "list", "--limit", "1").error.contains("may be more"))
            #expect(await installation.run("endpoint", "list", "--limit", "0").status == .badData)
        }
    }

    @Test func storedMonthsAreShownAsDays() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation)
            // As an older schema let them in.
            try await installation.sql(
                "UPDATE postrider.endpoints SET retry_schedule = '{1 hour,1 mon,178000000 years}', headers = '{NULL,X-A: 1}'"
            )
            try await installation.sql("UPDATE postrider.lanes SET timeout = '1 mon -29 days -23 hours -59 min'")
            let shown = await installation.run("endpoint", "show", "a")
            #expect(shown.status == .done, "\(shown.error)")
            #expect(shown.output.contains("Retry schedule     1h,30d,"))
            #expect(shown.output.contains("Timeout            1m\n"))
            for command in [
                ["show", "a", "--json"], ["pause", "a"], ["resume", "a"], ["update", "a", "--max-attempts", "3"],
            ] {
                let ended = await installation.run(["endpoint"] + command)
                #expect(ended.status == .done, "\(command) \(ended.error)")
            }
        }
    }

    @Test func whatIsCommittedIsNotReportedAsFailed() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation)
            try await installation.sql("DROP VIEW postrider.endpoint_settings")
            for (command, state) in [(["pause", "a"], "paused"), (["resume", "a"], "active")] {
                let ended = await installation.run(["endpoint"] + command)
                #expect(ended.status == .done)
                #expect(ended.output == "Changed endpoint a.\n")
                #expect(ended.error.contains("Endpoint a was changed, but could not be read afterwards: "))
                #expect(try await installation.sql("SELECT state FROM postrider.endpoints") == state)
            }
            let updated = await installation.run("endpoint", "update", "a", "--max-attempts", "7", "--json")
            #expect(try updated.json()["endpoint"] as? String == "a")
            #expect(try await installation.sql("SELECT max_attempts FROM postrider.endpoints") == "7")
            let rotated = await installation.run("endpoint", "rotate-secret", "a", "--yes")
            #expect(rotated.status == .done && rotated.output.contains("whsec_"))
            #expect(await installation.run("endpoint", "update", "b", "--max-attempts", "7").status == .badData)
        }
    }

    @Test func showIsReadable() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation, "--retry-schedule", "1s,5m", "--header", "X-A: canary")
            let shown = await installation.run("endpoint", "show", "a")
            #expect(shown.output.contains("Retry schedule     1s,5m\n"))
            #expect(shown.output.contains("Attempts at most   3\n"))
            #expect(shown.output.contains("Headers            X-A\n"))
            #expect(!shown.output.contains("canary"))
            #expect(!shown.output.contains("whsec_"))
        }
    }

    @Test func updateChangesWhatIsGivenAndNothingElse() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation, "--max-in-flight", "5", "--rate-limit", "3", "--header", "X-A: b")
            let url = "http://127.0.0.1:8100/"
            let first = await installation.run(
                "endpoint", "update", "a", "--url", url, "--max-in-flight", "0", "--timeout", "1s", "--json")
            let changed = try first.json()
            #expect(changed["url"] as? String == url)
            #expect(changed["max_in_flight"] == nil)
            #expect(changed["rate_limit"] as? Double == 3)
            #expect(changed["timeout_seconds"] as? Double == 1)
            #expect(changed["header_names"] as? [String] == ["X-A"])
            let second = try await installation.run(
                "endpoint", "update", "a", "--rate-limit", "0", "--no-headers", "--event-type", "x.y", "--json"
            ).json()
            #expect(second["rate_limit"] == nil)
            #expect(second["header_names"] as? [String] == [])
            #expect(second["event_types"] as? [String] == ["x.y"])

            #expect(await installation.run("endpoint", "update", "a").status == .usage)
            #expect(await installation.run("endpoint", "update", "a", "--url", "ftp://x").status == .badData)
            #expect(
                await installation.run("endpoint", "update", "a", "--no-headers", "--header", "A: b").status == .usage)
            #expect(await installation.run("endpoint", "update", "a", "--timeout", "1s").output.hasPrefix("Changed"))
        }
    }

    @Test func pauseKeepsAndResumeLetsGo() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation)
            _ = await installation.run("event", "publish", "order.paid")
            let paused = await installation.run("endpoint", "pause", "a")
            #expect(paused.output == "Endpoint a is paused (paused by postgres); 1 delivery held.\n")
            let resumed = try await installation.run("endpoint", "resume", "a", "--json").json()
            #expect(resumed["state"] as? String == "active")
            #expect(resumed["held"] as? Int == 0)
            #expect(try await installation.sql("SELECT count(*) FROM postrider.lanes WHERE open_at <= now()") == "1")
        }
    }

    @Test func removeAsksFirst() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation)
            _ = await installation.run("event", "publish", "order.paid")
            let unasked = await installation.run("endpoint", "remove", "a")
            #expect(unasked.status == .usage)
            #expect(unasked.error.contains("--yes"))
            let declined = await installation.run("endpoint", "remove", "a", answer: "y")
            #expect(declined.status == .failure)
            #expect(declined.error.hasPrefix("Remove endpoint a,"))
            #expect(try await installation.sql("SELECT count(*) FROM postrider.deliveries") == "1")
            let removed = await installation.run("endpoint", "remove", "a", "--json", answer: "yes")
            #expect(try removed.json()["cancelled"] as? Int == 1)
            #expect(try removed.json()["removed"] as? Bool == true)
            #expect(await installation.run("endpoint", "show", "a").status == .badData)
            await add("a", in: installation)
            #expect(await installation.run("endpoint", "remove", "a", "--yes").status == .done)
        }
    }

    @Test func rotateKeepsTheOldSecretForAWhile() async throws {
        try await Installation.with { (installation) async throws in
            await add("a", in: installation)
            let rotated = try await installation.run("endpoint", "rotate-secret", "a", "--grace", "1h", "--json").json()
            let secret = try WebhookSecret(try #require(rotated["secret"] as? String))
            #expect(rotated["secret_fingerprint"] as? String == secret.fingerprint)
            #expect(rotated["grace_seconds"] as? Double == 3600)
            #expect(
                try await installation.sql(
                    "SELECT string_agg((expires_at < now() + interval '61 min')::text, ',' ORDER BY id) "
                        + "FROM postrider.endpoint_secrets") == "true,false")
            let given = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
            let now = await installation.run(
                "endpoint", "rotate-secret", "a", "--secret", "-", "--grace", "0s", input: given)
            #expect(now.status == .done, "\(now.error)")
            #expect(!now.output.contains("whsec_"))
            #expect(
                try await installation.sql(
                    "SELECT secret FROM postrider.endpoint_secrets WHERE expires_at > clock_timestamp()") == given)
            #expect(await installation.run("endpoint", "rotate-secret", "a", "--grace", "31d").status == .badData)
            #expect(await installation.run("endpoint", "rotate-secret", "a", "--grace", "soon").status == .usage)
            #expect(await installation.run("endpoint", "rotate-secret", "a", "--secret", "x").status == .badData)
        }
    }

    @Test func unknownEndpointIsNamed() async throws {
        try await Installation.with { (installation) async throws in
            for words in [
                ["show"], ["update", "--timeout", "1s"], ["pause"], ["resume"], ["remove", "--yes"], ["rotate-secret"],
                ["test"],
            ] {
                let ended = await installation.run(["endpoint", words[0], "no\u{1b}body"] + words.dropFirst())
                #expect(ended.status == .badData, "\(words)")
                #expect(ended.error.hasPrefix("postrider: there is no endpoint named 'no"), "\(words) \(ended.error)")
                #expect(ended.isHarmless)
                #expect(ended.error.split(separator: "\n").count == 1, "\(ended.error)")
                #expect(ended.output.isEmpty)
            }
        }
    }
}

/// Two tenants may have an endpoint of the same name.
@Suite(.timeLimit(.minutes(2))) struct EndpointOfTenantTests {
    @Test func nameNeedsItsTenantWhereTwoHaveIt() async throws {
        try await Installation.with { (installation) async throws in
            for tenant in ["acme", "other"] {
                let add = ["endpoint", "add", "billing", "https://\(tenant).example.com/", "--tenant", tenant]
                #expect(await installation.run(add).status == .done)
            }
            let publish = ["event", "publish", "order.paid", "--tenant", "acme", "--endpoint", "billing"]
            #expect(await installation.run(publish).status == .done)
            let several = "several tenants have an endpoint named 'billing': give its"
            let commands = [
                ["endpoint", "show", "billing"], ["endpoint", "pause", "billing"], ["endpoint", "resume", "billing"],
                ["endpoint", "update", "billing", "--timeout", "3s"],
                ["endpoint", "rotate-secret", "billing", "--yes"],
                ["event", "retry", "--endpoint", "billing", "--why", "x"],
                ["event", "cancel", "--endpoint", "billing", "--why", "x"],
                ["event", "replay", "--endpoint", "billing"], ["dead-letter", "replay", "--endpoint", "billing"],
                ["dead-letter", "discard", "--endpoint", "billing", "--why", "x"],
                ["endpoint", "remove", "billing", "--yes"],
            ]
            for command in commands {
                let refused = await installation.run(command)
                #expect(refused.status == .badData, "\(command)")
                #expect(refused.error.contains(several), "\(command): \(refused.error)")
            }
            let listed = await installation.run("endpoint", "list", width: 160)
            #expect(listed.output.hasPrefix("ENDPOINT  TENANT  STATE"), "\(listed.output)")
            for command in commands {
                let done = await installation.run(command + ["--tenant", "other"])
                #expect(done.status == .done, "\(command): \(done.error)")
            }
            let owed = try await installation.run("event", "list", "--endpoint", "billing", "--json")
                .objects("deliveries")
            #expect(owed.map { $0["status"] as? String } == ["pending"])
            #expect(await installation.run("endpoint", "show", "billing").output.contains("https://acme.example.com/"))
            let unknown = await installation.run("endpoint", "show", "billing", "--tenant", "none")
            #expect(unknown.error.contains("there is no endpoint named 'billing' of tenant 'none'"))
        }
    }

    @Test func pagesDoNotLoseTheSecondOfAName() async throws {
        try await Installation.with { (installation) async throws in
            for tenant in ["a", "b", "c"] {
                _ = await installation.run(
                    "endpoint", "add", "same", "https://\(tenant).example.com/", "--tenant", tenant)
            }
            let first = try await installation.run("endpoint", "list", "--limit", "2", "--json").objects("endpoints")
            #expect(first.map { $0["tenant"] as? String } == ["a", "b"])
            let next = try await installation.run(
                "endpoint", "list", "--after", "same", "--after-tenant", "b", "--json"
            ).objects("endpoints")
            #expect(next.map { $0["tenant"] as? String } == ["c"])
        }
    }
}
