import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An expectation whose time is over", .timeLimit(.minutes(2))) struct MissingTests {
    @Test(
        "is missed and told of once by many that look, beside one that another session has; and stays until it is withdrawn"
    )
    func missed() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            for number in 1...300 { try await outbox.expect("\(number)", within: number == 300 ? "1 h" : "100 ms") }
            try await outbox.wait(
                for: "clock_timestamp() > (SELECT max(due_at) FROM postrider.expected WHERE id < 300)")
            try await outbox.holding(1) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            let worker = try await outbox.connect()
                            while try await worker.query("SELECT postrider.end_due(20)", deadline: TestOutbox.deadline)
                                .first
                                != "0"
                            {}
                            await worker.close()
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(
                    try await outbox.number("SELECT count(*) FROM postrider.expectations WHERE state = 'missed'") == 298
                )
                #expect(Set(try await outbox.told()).count == 298)
            }
            #expect(try await outbox.number("SELECT postrider.end_due(20)") == 1)
            #expect(try await outbox.told().count == 299)
            // It came after all: it stays missed, and says so.
            try await outbox.receive(["1"])
            #expect(try await outbox.expectations().first == "1 missed 1")
            #expect(try await outbox.number("SELECT postrider.fulfil('1')") == 0)
            // What has ended goes with its time, what was missed stays.
            #expect(try await outbox.number("SELECT postrider.withdraw('2')") == 1)
            try await outbox.query("UPDATE postrider.expected SET ended_at = now() - interval '40 days'")
            try await outbox.query("SELECT postrider.withdraw_expectation(3, 'seen')")
            try await outbox.query("SELECT postrider.keep_inbox()")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.expectations") == 299)
            #expect(
                try await outbox.column("SELECT concat_ws(' ', act, subject, why) FROM postrider.audit_log").last
                    == "withdraw expectation 3 seen")
            for (id, rule) in [("2", "there is no expectation 2"), ("3", "expectation 3 has ended: it is withdrawn")] {
                #expect(
                    await outbox.refusal(of: "SELECT postrider.withdraw_expectation($1::bigint)", id)?.message == rule)
            }
        }
    }

    @Test("has its event sent again under the same id, waits as long once more, and is met or missed then")
    func redelivered() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.registerEndpoint()
            for correlation in ["met", "missed"] {
                let event = try await outbox.publish("payment.requested", key: correlation)
                try await outbox.expect(correlation, "otherwise => 'redeliver', event_id => \(event)")
            }
            let worker = outbox.ownWorker()
            _ = try await worker.settle(try await worker.claim(), .delivered)
            #expect(try await outbox.statuses() == ["1 shop delivered 1", "2 shop delivered 1"])
            try await outbox.overdue()
            #expect(try await outbox.number("SELECT postrider.end_due(10)") == 2)
            #expect(try await outbox.expectations() == ["met waiting", "missed waiting"])
            #expect(try await outbox.statuses() == ["1 shop pending 1", "2 shop pending 1"])
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.expected WHERE due_at > clock_timestamp() + interval '59 min'") == 2
            )
            try await outbox.receive(["met"])
            try await outbox.overdue()
            #expect(try await outbox.number("SELECT postrider.end_due(10)") == 1)
            #expect(try await outbox.expectations() == ["met met 1", "missed missed"])
            #expect(try await outbox.told() == ["missed"])
            // There is nothing to send again: it is missed at once, and says why.
            let cancelled = try await outbox.publish("payment.requested")
            try await outbox.query("SELECT postrider.cancel_event($1::bigint)", "\(cancelled)")
            let lonely = try await outbox.publish("payment.requested", tenant: "acme")
            for event in [cancelled, lonely] {
                try await outbox.expect("\(event)", "otherwise => 'redeliver', event_id => \(event)")
            }
            try await outbox.overdue()
            #expect(try await outbox.number("SELECT postrider.end_due(10)") == 2)
            #expect(
                try await outbox.column("SELECT last_error FROM postrider.expected ORDER BY id DESC LIMIT 2") == [
                    "event \(lonely) has no delivery that can be sent again", "event \(cancelled) was cancelled",
                ])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is found at the same cost beside 100,000 that wait, and so is the one that a callback meets")
    func cost() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            // Plans are made while there is nothing.
            try await outbox.script("SELECT postrider.end_due(10); SELECT * FROM postrider.take_polls(10, '1 s')")
            try await outbox.receive(["x"], ids: "first")
            func pages(_ round: Int) async throws -> [Int64] {
                try await outbox.expect("due \(round)")
                try await outbox.expect("came \(round)")
                try await outbox.query(
                    "UPDATE postrider.expected SET due_at = now() - interval '1 h' WHERE correlation = 'due \(round)'")
                var pages: [Int64] = []
                for statement in [
                    "SELECT postrider.end_due(10)", "SELECT * FROM postrider.take_polls(10, '1 s')",
                    "SELECT postrider.meet_expected('{1}', '{came \(round)}', '{7}')",
                    "SELECT postrider.meet_expected('{1}', '{none}', '{7}')",
                ] { pages.append(try await Plan.of(statement, on: outbox.connection).buffers) }
                return pages
            }
            _ = try await pages(0)
            let few = try await pages(1)
            // Without the look of each at its commit.
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.query(
                """
                INSERT INTO postrider.expected (correlation, source_id, within, otherwise, due_at, poll_every, poll_for)
                SELECT 'waits ' || n, 1, '1 h', CASE n % 2 WHEN 0 THEN 'poll' ELSE 'escalate' END, now() + interval '1 h', '1 s', '1 s'
                FROM generate_series(1, 100000) AS n
                """)
            try await outbox.query("RESET session_replication_role")
            try await outbox.script("VACUUM ANALYZE postrider.expected")
            _ = try await pages(2)
            let many = try await pages(3)
            print("pages of end_due, take_polls, a callback, and one that none expects: \(few), among 100,000: \(many)")
            for (few, many) in zip(few, many) { #expect(many <= few + 20) }
            #expect(many[3] <= 6)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.expected WHERE state <> 'waiting'") == 8)
        }
    }
}
