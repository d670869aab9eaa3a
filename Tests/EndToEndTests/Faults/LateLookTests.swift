import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    @Suite(.timeLimit(.minutes(1))) struct LateLookTests {
        /// A transaction holds a lock that no claim gets past, and one event is due: the lag grows or is absent, and no other reason
        /// is given than what is so.
        @Test func theLagDoesNotStandStillBehindALock() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let probe = try HealthProbe(installation.executable)
                let worker = try await installation.startWorker(settings: probe.settings)
                #expect(try await probe.metric("postrider_delivery_lag_seconds") == 0)
                try await installation.value(
                    """
                    INSERT INTO postrider.outbox (event_type, payload, deliver_after)
                    VALUES ('some.event', '{"n":1}', clock_timestamp() + interval '1 s')
                    """)
                let deadline = Duration.seconds(40)
                try await installation.connection.withTransaction(deadline: deadline) { transaction in
                    try await transaction.execute(
                        script: "LOCK TABLE postrider.lanes IN ACCESS EXCLUSIVE MODE", deadline: deadline)
                    let due = ContinuousClock.now + .seconds(1)
                    while ContinuousClock.now - due < .seconds(16) {
                        try await Task.sleep(for: .milliseconds(250))
                        #expect(try await !probe.get("/readyz").contains("database_unreachable"))
                        let waited = (ContinuousClock.now - due) / .seconds(1)
                        guard waited > 11 else { continue }
                        let lag = try await probe.metric("postrider_delivery_lag_seconds")
                        #expect((lag ?? .infinity) > waited - 5, "\(lag ?? -1) after \(waited)")
                    }
                }
                let free = ContinuousClock.now
                try await eventually("all is well again") { try await probe.get("/readyz").contains("ok") }
                try await receiver.waitForRequests(1)
                #expect(ContinuousClock.now - free < .seconds(5))
                #expect(try await probe.metric("postrider_delivery_lag_seconds") != nil)
                try await worker.kill()
            }
        }
    }
}
