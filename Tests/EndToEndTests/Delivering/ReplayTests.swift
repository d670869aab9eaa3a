import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    @Suite(.timeLimit(.minutes(1))) struct ReplayTests {
        /// The worker that does a replay is killed in the middle of it, and another goes on.
        @Test func isDoneOnceByWhicheverWorkerThereIs() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("shop", receiver.url("/"), ["--timeout", "1s"])
                let first = try await installation.startWorker("first", settings: ["POSTRIDER_LEASE_SLACK": "1s"])
                let count = 120
                try await installation.publish("order.paid", count)
                try await installation.waitForDelivered(count)
                let began = ContinuousClock.now
                let ending = try await installation.command("event", "replay", "--all", "--rate", "40")
                #expect(ending.status == 0, "\(ending.errors)")
                try await receiver.waitForRequests(count + 40)
                try await first.kill()
                let second = try await installation.startWorker("second", settings: ["POSTRIDER_LEASE_SLACK": "1s"])
                try await eventually("the replay is done", within: .seconds(30)) {
                    try await installation.count("postrider.replay_jobs WHERE state = 'done' AND replayed = \(count)")
                        == 1
                }
                try await installation.waitForDelivered(count)
                // 120 at 40 a second, the first of them at once.
                #expect(ContinuousClock.now - began >= .seconds(2))
                let sent = Dictionary(
                    grouping: receiver.requests.compactMap { request in
                        request.headers.first { $0.name.lowercased() == "webhook-id" }?.value
                    }, by: { $0 }
                ).mapValues(\.count)
                #expect(sent.count == count)
                // What the killed worker had in flight may go out once more, under the next attempt number.
                #expect(sent.values.allSatisfy { $0 >= 2 })
                #expect(
                    try await installation.count(
                        "(SELECT FROM postrider.event_deliveries GROUP BY event_id HAVING count(*) > 1) d") == 0)
                #expect(try await installation.count("postrider.unaccounted") == 0)
                second.send(SIGTERM)
                #expect(try await second.status(within: .seconds(30)) == 0)
            }
        }
    }
}
