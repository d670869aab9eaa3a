import Glibc
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// An operator's transaction stays open for longer than the leases of what is in flight of the endpoint.
    @Suite(.timeLimit(.minutes(1))) struct LongActTests {
        /// Four times the lease.
        private static let open = Duration.seconds(8)
        /// Each endpoint with what is done to it, and whether that is committed: these lock what is in flight, so that its leases cannot be prolonged.
        private static let acts = [
            ("first-limit", "update_endpoint('first-limit', max_in_flight => 5)", true),
            ("preview", "update_endpoint('preview', max_in_flight => 5)", false),
            ("cancel", "cancel_event(o.id) FROM postrider.outbox o WHERE o.endpoint = 'cancel'", false),
            ("rotate", "rotate_secret('rotate')", true),
        ]

        private struct Preview: Error {}

        @Test func nothingIsSentAgain() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .milliseconds(800)))
                for (endpoint, _, _) in Self.acts {
                    try await installation.addEndpoint(endpoint, receiver.url("/\(endpoint)"), ["--timeout", "1s"])
                }
                var workers: [RunningProgram] = []
                for name in ["first", "second"] {
                    workers.append(
                        try await installation.startWorker(name, settings: ["POSTRIDER_LEASE_SLACK": "1s"]))
                }
                for (endpoint, _, _) in Self.acts {
                    try await installation.value(
                        """
                        INSERT INTO postrider.outbox (event_type, payload, endpoint)
                        SELECT 'some.event', '{"n":1}', $1 FROM generate_series(1, 10)
                        """, [endpoint])
                }
                let count = 10 * Self.acts.count
                try await receiver.waitForRequests(count)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (_, act, isCommitted) in Self.acts {
                        group.addTask {
                            let connection = try await TestDatabase.connect(
                                to: PostgresConfiguration(installation.url, applicationName: "operator"))
                            do {
                                try await connection.withTransaction(deadline: .seconds(10)) { transaction in
                                    _ = try await transaction.query("SELECT postrider.\(act)", deadline: .seconds(10))
                                    try await Task.sleep(for: Self.open)
                                    if !isCommitted { throw Preview() }
                                }
                            } catch is Preview {}
                            await connection.close()
                        }
                    }
                    try await group.waitForAll()
                }
                try await installation.waitForDelivered(count, within: .seconds(10))
                // Time for a second request of what was recorded too late.
                try await Task.sleep(for: .seconds(1))
                #expect(receiver.requests.count == count)
                #expect(try await installation.count("postrider.attempts WHERE outcome <> 0 OR attempt <> 1") == 0)
                for worker in workers {
                    worker.send(SIGTERM)
                    #expect(try await worker.status(within: .seconds(30)) == 0)
                }
            }
        }
    }
}
