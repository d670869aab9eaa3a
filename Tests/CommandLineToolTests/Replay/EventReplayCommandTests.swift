import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EventReplayCommandTests {
    private func deliver(_ installation: Installation) async throws {
        try await installation.sql(
            """
            WITH gone AS (DELETE FROM postrider.deliveries RETURNING *)
            INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker, http_status)
            SELECT clock_timestamp(), g.event_at, g.event_id, g.endpoint_id, 1, 5, 1, 0, 1, 200 FROM gone g
            """)
    }

    @Test func countsBeginsListsAndEnds() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "billing", "https://billing.example.com/")
            try await installation.sql("SELECT postrider.publish('order.paid', '{}') FROM generate_series(1, 3)")
            try await installation.sql(
                "SELECT postrider.publish('order.sent', '{}', expires_at => now() + interval '1 h')")
            try await deliver(installation)
            try await installation.sql("UPDATE postrider.outbox SET expires_at = now() WHERE event_type = 'order.sent'")

            let none = await installation.run("replay", "list")
            #expect(none.status == .done && none.error == "There are no replays.\n")
            let counted = await installation.run("event", "replay", "--endpoint", "billing", "--dry-run")
            #expect(
                counted.output == """
                    Would replay 3 deliveries; nothing was changed.
                    Left: 1 expired, 0 cancelled; --ignore-expiry sends them all the same.

                    """)
            let asked = await installation.run("event", "replay", "--all", "--event-type", "order.paid", answer: "no")
            #expect(asked.error.contains("Send 3 deliveries again, 100 a second? Type yes:"), "\(asked.error)")
            let begun = await installation.run(
                "event", "replay", "1", "2", "--rate", "1", "--why", "asked for", "--json")
            #expect(try begun.json()["replay_id"] as? Int == 1, "\(begun.error)")
            try await installation.sql("SELECT postrider.keep_replays()")
            let listed = await installation.run("replay", "list")
            #expect(
                listed.output == """
                    ID  STATE    OF       RATE  DONE  REPLAYED  EXPIRED  CANCELLED  UNFIT
                    1   running  2 named     1   50%         1        0          0      0

                    """)
            let job = try #require(await installation.run("replay", "list", "--json").objects("replays").first)
            #expect(
                job["why"] as? String == "asked for" && job["progress"] as? Double == 0.5 && job["rate"] as? Int == 1)
            #expect(await installation.run("replay", "cancel", "1").output == "Cancelled replay 1.\n")
            #expect(await installation.run("replay", "cancel", "1").output == "Replay 1 had ended already.\n")
            #expect(await installation.run("replay", "cancel", "7").status == .badData)
        }
    }

    @Test func wantsToBeToldWhich() async throws {
        for arguments in [[], ["--all", "--endpoint", "a"], ["1", "--all"]] {
            let recording = Recording()
            #expect(await CommandLineTool.run(["event", "replay"] + arguments, in: recording.context()) == .usage)
            #expect(recording.error.contains("Give one of these: IDs, --endpoint NAME, or --all."))
        }
        let recording = Recording()
        #expect(
            await CommandLineTool.run(["event", "replay", "--all", "--rate", "0"], in: recording.context()) == .badData)
    }
}
