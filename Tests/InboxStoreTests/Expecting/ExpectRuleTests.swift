import Postgres
import TestSupport
import Testing

@Suite("Who may expect, and what", .timeLimit(.minutes(2))) struct ExpectRuleTests {
    @Test("each argument has a rule, and what breaks it is named, no secret with it")
    func arguments() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let url = "poll_url => 'https://shop.example/'"
            let poll = "'a', '1 s', 'shop', 'poll', \(url)"
            for (arguments, message) in [
                ("NULL, '1 s'", "correlation must be given"), ("'', '1 s'", "correlation must be given"),
                ("'a', NULL", "within must not be NULL"), ("'a', '0'", "within must be from 00:00:00.1 to 30 days"),
                ("'a', '-1 s'", "within must be from 00:00:00.1 to 30 days"),
                ("'a', '31 days'", "within must be from 00:00:00.1 to 30 days"),
                ("'a', '1 month'", "within must not count months or years, which have no fixed length; write days"),
                ("'a', '1 s', 'none'", "there is no source named 'none'"),
                ("'a', '1 s', 'shop', 'hope'", "otherwise must be poll, redeliver or escalate"),
                ("'a', '1 s', 'shop', NULL", "otherwise must be poll, redeliver or escalate"),
                ("'a', '1 s', 'shop', 'poll'", "poll_url is required"),
                (
                    "'a', '1 s', NULL, 'poll', \(url)",
                    "source must be given with otherwise poll: the answer becomes a row of its inbox"
                ),
                ("'a', '1 s', 'shop', \(url)", "poll_url must not be given with otherwise escalate"),
                ("'a', '1 s', done_when => '$.a'", "done_when must not be given with otherwise escalate"),
                (
                    "'a', '1 s', 'shop', 'poll', 'https://metadata/'",
                    "poll_url must not name a cloud's metadata service"
                ),
                (
                    "\(poll), poll_headers => '{\"Host\": \"canary\"}'",
                    "poll_headers must not hold 'Host': it is reserved"
                ),
                (
                    "\(poll), poll_headers => '{\"A\": \"canary\\n\"}'",
                    "poll_headers must not hold 'A': it must have a value of visible ASCII"
                ),
                (
                    "\(poll), poll_headers => '[]'",
                    "poll_headers must be an object of at most 32 names with text values"
                ),
                ("\(poll), poll_every => '0.5 s'", "poll_every must be from 00:00:01 to 1 day"),
                ("\(poll), poll_every => NULL", "poll_every must not be NULL"),
                ("\(poll), poll_for => '31 days'", "poll_for must be from 00:00:01 to 30 days"),
                ("\(poll), poll_for => NULL", "poll_for must not be NULL"),
                ("\(poll), done_when => '$x == 1'", "done_when must not hold variables"),
                ("'a', '1 s', 'shop', 'redeliver'", "event_id must be given with otherwise redeliver"),
                ("'a', '1 s', 'shop', event_id => 7", "event_id is none of one event: there is no event 7"),
            ] {
                let refusal = await outbox.refusal(of: "SELECT postrider.expect(\(arguments))")
                #expect(refusal?.message == message, "\(arguments)")
            }
            #expect(await outbox.refusal(of: "SELECT postrider.fulfil(NULL)")?.message == "correlation must be given")
            #expect(
                await outbox.refusal(of: "SELECT postrider.withdraw('a', 'x')")?.sqlState == SQLState(rawValue: "P0002")
            )
            #expect(try await outbox.number("SELECT count(*) FROM postrider.expectations") == 0)
        }
    }

    @Test(
        "a producer expects, a worker sees to it, an operator reads all but what polls prove themselves with; no one else"
    )
    func roles() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let asks = [
                "SELECT postrider.expect('a', '100 ms', 'shop')",
                """
                SELECT postrider.expect('b', '100 ms', 'shop', 'poll', 'https://shop.example/', '{"Authorization": "Bearer canary"}')
                """, "SELECT postrider.fulfil('x')", "SELECT postrider.withdraw('x')",
            ]
            let works = [
                "SELECT postrider.end_due(10)", "SELECT * FROM postrider.take_polls(10, '1 s')",
                "SELECT postrider.record_poll(2, 1, 200, NULL, '{}', NULL, true, '0')",
            ]
            let reads = ["SELECT * FROM postrider.expectations"]
            let acts = ["SELECT postrider.withdraw_expectation(1)"]
            let secret = ["SELECT poll_headers FROM postrider.expected", "SELECT * FROM postrider.expected"]
            let inner = [
                "SELECT postrider.miss_expected('{1}')", "SELECT postrider.end_expected(1, 'met', NULL)",
                "SELECT postrider.meet_expected('{1}', '{a}', '{1}')", "SELECT postrider.forget_expected(1)",
                "UPDATE postrider.expected SET state = 'met'",
            ]
            func check(_ role: String, may allowed: [String], not refused: [String]) async throws {
                let user = try await outbox.connect(in: role)
                #expect(await user.states(of: allowed) == allowed.map { _ in "-" }, "\(role)")
                for statement in refused {
                    #expect(
                        await user.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(role) \(statement)")
                }
                await user.close()
            }
            try await check("postrider_producer", may: asks, not: works + reads + acts + secret + inner)
            try await outbox.wait(for: "clock_timestamp() > (SELECT max(due_at) FROM postrider.expected)")
            try await check("postrider_worker", may: works + reads, not: asks + acts + secret + inner)
            #expect(try await outbox.expectations() == ["a missed", "b met_by_poll 1"])
            try await check("postrider_operator", may: asks + reads + acts, not: works + secret + inner)
            for role in ["postrider_consumer", "postrider_receiver", "postrider_registrar"] {
                try await check(role, may: [], not: asks + works + reads + acts + secret + inner)
            }
        }
    }
}
