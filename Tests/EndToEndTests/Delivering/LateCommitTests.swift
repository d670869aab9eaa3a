import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// An event of a transaction that stays open for long is due long before it can be seen.
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
                    // Others are told to the worker and delivered in the meantime: its looks go by the open transaction.
                    for _ in 1...40 {
                        try await installation.publish("other.event", 1)
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    try await eventually("the others have arrived") {
                        receiver.requests.count { $0.header("webhook-event-type") == "other.event" } == 40
                    }
                }
                try await eventually("the late event arrives", within: .seconds(2)) {
                    receiver.requests.contains { $0.header("webhook-event-type") == "late.event" }
                }
                await late.close()
                try await worker.kill()
            }
        }
    }
}
