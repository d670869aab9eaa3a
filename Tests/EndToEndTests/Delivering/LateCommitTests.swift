import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// An event of a transaction that stays open for long lies before the lane's hint once it is committed.
    @Suite(.timeLimit(.minutes(1))) struct LateCommitTests {
        @Test func anEventThatIsCommittedLateArrivesSoonAfter() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let worker = try await installation.startWorker()
                let late = try await TestDatabase.connect(
                    to: PostgresConfiguration(installation.url, applicationName: "late producer"))
                try await late.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    _ = try await transaction.query(
                        "INSERT INTO postrider.outbox (event_type, payload) VALUES ('late.event', '{}')",
                        deadline: TestDatabase.deadline)
                    // Others go by until the hint has passed the row that no worker sees yet.
                    try await eventually("the hint has moved on", within: .seconds(20)) {
                        try await installation.publish("other.event", 1)
                        try await installation.value(
                            "SELECT postrider.advance_hints(ARRAY(SELECT l.endpoint_id FROM postrider.lanes l))")
                        return try await installation.value(
                            "SELECT scan_from > (SELECT xact_start FROM pg_stat_activity WHERE application_name = $1) + interval '1 s' FROM postrider.lanes",
                            ["late producer"]) == "t"
                    }
                }
                try await eventually("the late event arrives", within: .seconds(5)) {
                    receiver.requests.contains { $0.header("webhook-event-type") == "late.event" }
                }
                await late.close()
                try await worker.kill()
            }
        }
    }
}
