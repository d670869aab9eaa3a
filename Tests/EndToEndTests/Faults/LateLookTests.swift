import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    @Suite(.timeLimit(.minutes(1))) struct LateLookTests {
        /// Somebody holds a lock that no look gets past: the lag is not known then, and that is what is said, all the time.
        @Test func theLagIsAbsentAndTheReasonIsItsOwn() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let probe = try HealthProbe(installation.executable)
                let worker = try await installation.startWorker(settings: probe.settings)
                try await installation.publish("some.event", 1)
                try await receiver.waitForRequests(1)
                #expect(try await probe.metric("postrider_delivery_lag_seconds") != nil)
                let deadline = Duration.seconds(40)
                try await installation.connection.withTransaction(deadline: deadline) { transaction in
                    try await transaction.execute(
                        script: "LOCK TABLE postrider.lanes IN ACCESS EXCLUSIVE MODE", deadline: deadline)
                    let locked = ContinuousClock.now
                    try await eventually("the lag is late", within: .seconds(15)) {
                        try await probe.get("/readyz").contains("not_measured")
                    }
                    #expect(ContinuousClock.now - locked > .seconds(8))
                    for _ in 0..<20 {
                        #expect(try await probe.get("/readyz").contains(#""reasons":["not_measured"]"#))
                        #expect(try await probe.metric("postrider_delivery_lag_seconds") == nil)
                        try await Task.sleep(for: .milliseconds(100))
                    }
                }
                let free = ContinuousClock.now
                try await eventually("all is well again") { try await probe.get("/readyz").contains("ok") }
                try await installation.publish("some.event", 1)
                try await receiver.waitForRequests(2)
                print("after the lock: \(ContinuousClock.now - free)")
                #expect(ContinuousClock.now - free < .seconds(4))
                #expect(try await probe.metric("postrider_delivery_lag_seconds") != nil)
                try await worker.kill()
            }
        }
    }
}
