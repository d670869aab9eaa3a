import Foundation
import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct BulkCommandTests {
    /// Endpoints `a` and `b`; of `count` events at each all failed once and are due in an hour.
    private func fail(_ count: Int, in installation: Installation) async throws {
        for name in ["a", "b"] { _ = await installation.run("endpoint", "add", name, "http://127.0.0.1:8099/") }
        try await installation.sql(
            "INSERT INTO postrider.outbox (event_type, payload) SELECT 'order.paid', '{}' FROM generate_series(1, $1::int)",
            "\(count)")
        try await installation.sql("UPDATE postrider.deliveries SET attempt = 1, due_at = now() + interval '1 h'")
    }

    private func due(_ installation: Installation) async throws -> String? {
        try await installation.sql("SELECT count(*) FROM postrider.deliveries WHERE due_at <= now()")
    }

    @Test func retriesNow() async throws {
        try await Installation.with { (installation) async throws in
            try await fail(2, in: installation)
            let preview = await installation.run("event", "retry", "1", "--dry-run")
            #expect(preview.output == "Would retry 2 deliveries of event 1 now; nothing was changed.\n")
            #expect(try await due(installation) == "0")
            let one = await installation.run("event", "retry", "1", "--endpoint", "a", "--why", "w")
            #expect(one.output == "Retrying 1 delivery of event 1 now.\n")
            let all = await installation.run("event", "retry", "--endpoint", "b", "--dry-run")
            #expect(all.output == "Would retry 2 deliveries of endpoint b now; nothing was changed.\n")
            #expect(try await due(installation) == "1")
            let limited = try await installation.run("event", "retry", "--endpoint", "b", "--limit", "1", "--json")
                .json()
            #expect(limited["retried"] as? Int == 1)
            #expect(await installation.run("event", "retry", "--all").output == "Retrying 2 deliveries now.\n")
            #expect(
                await installation.run("event", "retry", "--endpoint", "a").output
                    == "No delivery of endpoint a waits for its next attempt.\n")
            #expect(try await due(installation) == "4")
            for options in [
                [], ["--all", "--endpoint", "a"], ["1", "--all"], ["1", "--limit", "2"], ["--since", "1h"],
            ] {
                #expect(await installation.run(["event", "retry"] + options).status == .usage, "\(options)")
            }
            #expect(await installation.run("event", "retry", "--endpoint", "none").error.contains("'none'"))
            #expect(await installation.run("event", "retry", "9").error.contains("no event 9"))
        }
    }

    @Test func cancelsManyInSlices() async throws {
        try await Installation.with { (installation) async throws in
            try await fail(Int(BulkRun.slice) + 10, in: installation)
            let number = Int(BulkRun.slice) + 10
            #expect(await installation.run("event", "cancel", "--endpoint", "a").status == .usage)
            let preview = await installation.run("event", "cancel", "--endpoint", "a", "--dry-run")
            #expect(preview.output == "Would cancel \(number) deliveries of endpoint a; nothing was changed.\n")
            let declined = await installation.run("event", "cancel", "--all", "--why", "w", answer: "no")
            #expect(declined.error.hasPrefix("Cancel \(2 * number) deliveries? Type yes:"))
            #expect(declined.status == .failure)
            let some = await installation.run("event", "cancel", "--endpoint", "a", "--why", "w", "--limit", "5")
            #expect(some.output == "Cancelled 5 deliveries of endpoint a.\n")
            let all = try await installation.run("event", "cancel", "--all", "--why", "w", "--json").json()
            #expect(all["cancelled"] as? Int == 2 * number - 5)
            #expect(
                try await installation.sql(
                    "SELECT string_agg(count || ' ' || why, ', ' ORDER BY id) FROM postrider.audit_log WHERE act <> 'register'"
                )
                    == "5 w, \(2 * number - 5) w")
        }
    }

    @Test func discardsManyWithAReason() async throws {
        try await Installation.with { (installation) async throws in
            try await fail(3, in: installation)
            try await installation.bury()
            _ = await installation.run("endpoint", "remove", "a", "--yes")
            #expect(await installation.run("dead-letter", "discard", "--endpoint", "a").status == .usage)
            let preview = await installation.run("dead-letter", "discard", "--endpoint", "a", "--dry-run")
            #expect(preview.output == "Would discard 3 dead letters of endpoint a; nothing was changed.\n")
            let done = try await installation.run(
                "dead-letter", "discard", "--all", "--limit", "4", "--why", "w", "--json"
            ).json()
            #expect(done["discarded"] as? Int == 4)
            #expect(try await installation.sql("SELECT DISTINCT reason FROM postrider.closed") == "discarded: w")
        }
    }

    /// What the screens of a dead letter of a removed endpoint advise, done as they say it.
    @Test func whatTheScreenAdvisesWorks() async throws {
        try await Installation.with { (installation) async throws in
            try await fail(1, in: installation)
            _ = await installation.run("endpoint", "add", "new", "http://127.0.0.1:8099/", "--event-type", "x")
            try await installation.bury()
            for screen in [["dead-letter", "show", "1"], ["event", "show", "1"]] {
                let advice = try advised(await installation.run(screen).output, "postrider dead-letter replay 1")
                #expect(!advice.contains("--to"))
                #expect(await installation.run(advice + ["--dry-run"]).output.hasPrefix("Would replay 1 dead letter"))
            }
            _ = await installation.run("endpoint", "remove", "a", "--yes")
            for screen in [["dead-letter", "show", "1"], ["event", "show", "1"]] {
                let advice = try advised(await installation.run(screen).output, "postrider dead-letter replay 1")
                #expect(advice.suffix(2) == ["--to", "NAME"])
                let words = advice.map { $0 == "NAME" ? "new" : $0 }
                let done = await installation.run(words + ["--dry-run"])
                #expect(done.output == "Would replay 1 dead letter to new; nothing was changed.\n", "\(done.error)")
            }
            let wrong = await installation.run("dead-letter", "replay", "--endpoint", "a")
            #expect(wrong.error.contains("was removed: --to NAME"))
            #expect(await installation.run("dead-letter", "replay", "1").error.contains("was removed"))
            let sent = await installation.run("dead-letter", "replay", "--endpoint", "a", "--to", "new")
            #expect(sent.output == "Replayed 1 dead letter to new.\n")
            let again = await installation.run("dead-letter", "replay", "--endpoint", "b", "--to", "new")
            #expect(
                again.output
                    == "Replayed 0 dead letters to new.\n1 was left: new has that event already, or is another tenant's.\n"
            )
            let discard = try advised(
                await installation.run("dead-letter", "show", "2").output, "postrider dead-letter discard 2")
            #expect(await installation.run(discard).output == "Discarded dead letter 2.\n")
        }
    }

    /// The words of the advised command that begins so, without `postrider`, and without what stands in brackets behind it.
    private func advised(_ screen: String, _ beginning: String) throws -> [String] {
        let line = try #require(screen.split(separator: "\n").first { $0.contains(beginning) }, "\(screen)")
        let start = try #require(line.range(of: "postrider ")).upperBound
        return line[start...].split(separator: " ").map(String.init).prefix { !$0.hasPrefix("(") }.map { $0 }
    }
}
