import Postgres
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EndpointAddCommandTests {
    private static let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

    @Test func addsWithAllItsSettings() async throws {
        try await Installation.with { (installation) async throws in
            let added = await installation.run(
                "endpoint", "add", "billing", "http://127.0.0.1:8099/hooks?a=b", "--event-type", "order.*",
                "--event-type",
                "invoice.sent", "--event-type", "order.*", "--secret", Self.secret, "--retry-schedule", "1s, 2s,5m",
                "--max-attempts", "7", "--timeout", "3s", "--max-in-flight", "5", "--rate-limit", "2.5",
                "--payload-format", "raw", "--header", "X-Team: billing", "--header", "Authorization: Bearer canary",
                "--tenant", "acme", "--json")
            #expect(added.status == .done, "\(added.error)")
            let report = try added.json()
            #expect(report["endpoint"] as? String == "billing")
            #expect(report["event_types"] as? [String] == ["order.*", "invoice.sent"])
            #expect(report["tenant"] as? String == "acme")
            #expect(report["secret"] == nil)
            #expect(added.error.isEmpty)

            let shown = await installation.run("endpoint", "show", "billing", "--json")
            let settings = try shown.json()
            #expect(settings["url"] as? String == "http://127.0.0.1:8099/hooks?a=b")
            #expect(settings["retry_schedule_seconds"] as? [Double] == [1, 2, 300])
            #expect(settings["max_attempts"] as? Int == 7)
            #expect(settings["timeout_seconds"] as? Double == 3)
            #expect(settings["max_in_flight"] as? Int == 5)
            #expect(settings["rate_limit"] as? Double == 2.5)
            #expect(settings["payload_format"] as? String == "raw")
            #expect(settings["header_names"] as? [String] == ["X-Team", "Authorization"])
            #expect(settings["secrets"] as? Int == 1)
            #expect(!shown.output.contains("canary"))
            #expect(try await installation.sql("SELECT secret FROM postrider.endpoint_secrets") == Self.secret)
        }
    }

    @Test func makesASecretAndShowsItOnce() async throws {
        try await Installation.with { (installation) async throws in
            let added = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/", "--json")
            let report = try added.json()
            let text = try #require(report["secret"] as? String)
            #expect(report["event_types"] as? [String] == ["*"])
            #expect(try WebhookSecret(text).fingerprint == report["secret_fingerprint"] as? String)
            #expect(try await installation.sql("SELECT secret FROM postrider.endpoint_secrets") == text)
            let human = await installation.run("endpoint", "add", "b", "http://127.0.0.1:8099/")
            #expect(human.output.contains("not shown again: whsec_"))
            #expect(human.error == "Try it with: postrider endpoint test b\n")
            #expect(!(await installation.run("endpoint", "show", "b", "--json")).output.contains("whsec_"))
        }
    }

    @Test func readsTheSecretFromStandardInput() async throws {
        try await Installation.with { (installation) async throws in
            let added = await installation.run(
                "endpoint", "add", "a", "http://127.0.0.1:8099/", "--secret", "-", input: Self.secret + "\n")
            #expect(added.status == .done, "\(added.error)")
            #expect(!added.output.contains("whsec_"))
            let stored = try await installation.sql("SELECT secret FROM postrider.endpoint_secrets")
            #expect(stored == Self.secret)
        }
    }

    @Test func refusesWhatBreaksARuleWithoutTouchingTheDatabase() async throws {
        let url = "http://127.0.0.1:8099/"
        let cases: [([String], CommandStatus, String)] = [
            ([Hostile.text, url], .badData, "invisible character"),
            (["", url], .badData, "is empty"),
            ([String(repeating: "x", count: 201), url], .badData, "201 characters"),
            (["a", "https://user:canary@example.com/"], .badData, ""),
            (["a", "https://example.com:99999/"], .badData, "port"),
            (["a", "https://10.0.0.1/"], .badData, "blocked network"),
            (["a", "https://[::1]/"], .badData, "blocked network"),
            (["a", "https://169.254.169.254/"], .badData, ""),
            (["a", "ftp://example.com/"], .badData, "http"),
            (["a", "https://2130706433/"], .badData, ""),
            (["a", "https://example.com:25/"], .badData, "port 25"),
            (["a", url, "--event-type", "order.*.x"], .badData, "pattern"),
            (["a", url, "--secret", "canary"], .badData, "whsec_"),
            (["a", url, "--secret", "whsec_canary!"], .badData, "Base64"),
            (["a", url, "--retry-schedule", "5m,1s"], .badData, "shorter"),
            (["a", url, "--retry-schedule", "0s"], .badData, "longer than 0"),
            (["a", url, "--retry-schedule", "bogus"], .usage, "length of time"),
            (["a", url, "--retry-schedule", Array(repeating: "1s", count: 70).joined(separator: ",")], .usage, ""),
            (["a", url, "--max-attempts", "0"], .badData, "1 to 1000"),
            (["a", url, "--max-attempts", "1001"], .badData, "1 to 1000"),
            (["a", url, "--max-attempts", "many"], .usage, "max-attempts"),
            (["a", url, "--max-attempts", "99999999999999999999"], .usage, "max-attempts"),
            (["a", url, "--timeout", "10h"], .badData, "100ms to 5m"),
            (["a", url, "--timeout", "15"], .usage, "unit"),
            (["a", url, "--max-in-flight", "100001"], .badData, "0 to 100000"),
            (["a", url, "--rate-limit", "nan"], .badData, "--rate-limit"),
            (["a", url, "--rate-limit", "1e30"], .badData, "--rate-limit"),
            (["a", url, "--signature", "hmac:Host,sha256,hex"], .badData, "belongs to the connection"),
            (["a", url, "--signature", "v1", "--signature", "v1"], .badData, "twice"),
            (["a", url, "--auth", "bearer:ca nary"], .badData, "visible ASCII"),
            (["a", url, "--auth", "oauth2:http://10.0.0.1/,canary,canary"], .badData, "10.0.0.1"),
            (["a", url, "--auth", "-", "--secret", "-"], .usage, "standard input"),
            (["a", url, "--ca", "/nowhere"], .badData, "--ca names a file that does not exist"),
            (["a", url, "--method", "GET"], .badData, "POST, PUT or PATCH"),
            (["a", url, "--text", "{"], .badData, "brace"),
            (["a", url, "--signing-key", "whsk_canary"], .badData, "v1a"),
            (["a", url, "--payload-format", "xml"], .badData, "payload format"),
            (["a", url, "--header", "Host: canary"], .badData, "Host"),
            (["a", url, "--header", "X: a\r\nY: canary"], .badData, "visible ASCII"),
            (["a", url, "--header", "no colon"], .badData, "colon"),
            (["a", url, "--tenant", String(repeating: "x", count: 513)], .badData, "--tenant"),
            (["a"], .usage, "url"), (["a", url, "--bogus"], .usage, "bogus"), (["a", url, "x"], .usage, "x"),
        ]
        for (arguments, status, words) in cases {
            let recording = Recording()
            // No database listens there: a command that asks it first exits with 69.
            var environment = Installation.trusting
            environment["POSTRIDER_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
            let ended = await CommandLineTool.run(
                ["endpoint", "add"] + arguments, in: recording.context(environment: environment))
            #expect(ended == status, "\(arguments) \(recording.error)")
            #expect(recording.error.contains(words), "\(recording.error)")
            #expect(!recording.error.contains("canary"), "\(recording.error)")
            #expect(recording.output.isEmpty)
            #expect(Outcome(status: ended, output: "", error: recording.error).isHarmless)
        }
    }

    @Test func httpNeedsPermission() async throws {
        try await Installation.with { (installation) async throws in
            let refused = await installation.run(
                "endpoint", "add", "a", "http://127.0.0.1:8099/", environment: ["POSTRIDER_ALLOW_HTTP": "false"])
            #expect(refused.status == .badData)
            #expect(refused.error.contains("POSTRIDER_ALLOW_HTTP=true"))
            #expect(refused.error.split(separator: "\n").count == 1)
        }
    }

    @Test func nameMustBeFree() async throws {
        try await Installation.with { (installation) async throws in
            #expect(await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/").status == .done)
            let again = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            #expect(again.status == .badData)
            #expect(again.error == "postrider: there is already an endpoint named 'a'\n")
        }
    }

    @Test func longestNameFitsEverywhere() async throws {
        try await Installation.with { (installation) async throws in
            #expect(
                await installation.run("endpoint", "add", Hostile.longName, "http://127.0.0.1:8099/").status == .done)
            for command in [["list"], ["show", Hostile.longName], ["pause", Hostile.longName]] {
                let shown = await installation.run(["endpoint"] + command)
                #expect(shown.status == .done)
                let isTable = command == ["list"]
                #expect(shown.output.contains(Hostile.longName))
                let lines = shown.output.split(separator: "\n")
                #expect(
                    !isTable || lines.allSatisfy { $0 == Hostile.longName || DisplayWidth.of($0) <= 80 },
                    "\(shown.output)")
                #expect(shown.isHarmless)
            }
        }
    }
}
