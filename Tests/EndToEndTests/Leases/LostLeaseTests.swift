import Glibc
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Workers that die or sleep while their deliveries are in flight.
    @Suite(.timeLimit(.minutes(2))) struct LostLeaseTests {
        private static let settings = ["POSTRIDER_LEASE_SLACK": "1s"]
        private static let deliveries = 200
        /// Of a stale attempt: its worker has said how it went, late.
        private static let reported = "coalesce(error, '') <> 'the worker did not report'"

        @Test func anotherWorkerTakesOverFromAKilledOneWithinTheLease() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .hang)
                // A lease lasts 5 seconds: long enough for the second worker to be there before it ends.
                try await installation.addEndpoint(
                    "main", receiver.url("/main"), "--event-type", "main.*", "--timeout", "4s", "--retry-schedule", "1s"
                )
                try await installation.addEndpoint(
                    "stuck", receiver.url("/stuck"), "--event-type", "stuck.*", "--timeout", "4s", "--retry-schedule",
                    "1s")
                try await installation.publish("main.event", Self.deliveries - 1)
                try await installation.publish("stuck.event", 1)

                let first = try await installation.startWorker("first", settings: Self.settings)
                try await receiver.waitForRequests(Self.deliveries)
                let token = try await LateSettle.token(in: installation, endpoint: "stuck")
                try await first.kill()
                receiver.answer(path: "/main", with: .ok)
                let second = try await installation.startWorker("second", settings: Self.settings)

                let left = try await installation.value(
                    "SELECT extract(epoch FROM max(lease_until) - clock_timestamp()) FROM postrider.deliveries")
                let leaseLeft = try #require(left.flatMap(Double.init))
                #expect(leaseLeft > 0 && leaseLeft < 5)
                try await eventually("the others are delivered", within: .seconds(leaseLeft + 2)) {
                    let delivered = "postrider.event_deliveries WHERE endpoint = 'main' AND status = 'delivered'"
                    return try await installation.count(delivered) == Self.deliveries - 1
                }
                try await receiver.waitForRequests(2 * Self.deliveries)

                // The dead worker's outcome comes now, while the other worker holds the lease.
                let before = try await installation.rows("SELECT * FROM postrider.deliveries")
                #expect(try await LateSettle.send(token, in: installation) == token.delivery)
                #expect(try await installation.rows("SELECT * FROM postrider.deliveries") == before)
                let stale = try await installation.rows(
                    "SELECT endpoint, attempt, worker FROM postrider.attempt_log WHERE outcome = 'stale' AND \(Self.reported)"
                )
                #expect(stale == [["stuck", "1", token.worker]])
                // What the dead worker did not tell of is on record as begun.
                let silent = "postrider.attempt_log WHERE outcome = 'stale' AND NOT \(Self.reported) AND attempt = 1"
                #expect(try await installation.count(silent) == Self.deliveries - 1)

                let requests = receiver.requests
                #expect(Set(requests.map(\.attemptToken)).count == requests.count)
                #expect(Set(requests.compactMap { $0.header("webhook-attempt") }) == ["1", "2"])
                #expect(receiver.violations == [])
                #expect(second.isRunning)
                try await second.kill()
            }
        }

        @Test func aWorkerThatSleptThroughItsLeaseLogsStale() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .hang)
                try await installation.addEndpoint(
                    "main", receiver.url(), "--timeout", "1s", "--retry-schedule", "1s")
                try await installation.publish("main.event", 1)
                let sleeper = try await installation.startWorker("sleeper", settings: Self.settings)
                try await receiver.waitForRequests(1)
                sleeper.send(SIGSTOP)
                receiver.answer(with: .ok)
                let other = try await installation.startWorker("other", settings: Self.settings)
                try await installation.waitForDelivered(1)
                sleeper.send(SIGCONT)

                let stale = "postrider.attempt_log WHERE outcome = 'stale' AND attempt = 1 AND \(Self.reported)"
                try await eventually("the late outcome is logged as stale") { try await installation.count(stale) == 1 }
                let delivery = try await installation.rows("SELECT status, attempts FROM postrider.event_deliveries")
                #expect(delivery == [["delivered", "2"]])
                #expect(receiver.requests.compactMap { $0.header("webhook-attempt") } == ["1", "2"])
                for worker in [sleeper, other] {
                    worker.send(SIGTERM)
                    #expect(try await worker.status(within: .seconds(30)) == 0)
                }
            }
        }
    }
}
