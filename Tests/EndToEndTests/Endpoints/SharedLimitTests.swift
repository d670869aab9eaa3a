import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// Two workers and an endpoint that takes one request at a time.
    @Suite(.timeLimit(.minutes(1))) struct SharedLimitTests {
        private static let events = 200

        /// Publishes so many events, and returns how long they took to be recorded.
        private func deliver(_ installation: Installation, after before: Int) async throws -> Duration {
            let began = ContinuousClock.now
            try await installation.publish("main.event", Self.events, from: before + 1)
            try await installation.waitForDelivered(before + Self.events)
            return ContinuousClock.now - began
        }

        @Test func twoAreAboutAsQuickAsOneAndAnotherGoesOnWhereOneEnds() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url(), ["--max-in-flight", "1"])
                let first = try await installation.startWorker("first")
                _ = try await deliver(installation, after: 0)
                let alone = try await deliver(installation, after: Self.events)
                let second = try await installation.startWorker("second")
                let together = try await deliver(installation, after: 2 * Self.events)
                print("200 events: \(alone) by one worker, \(together) by two")
                #expect(together < alone * 2 + .seconds(1))
                // One of them has found the lane full again and again by now. It goes on when the other is told to stop.
                try await installation.publish("main.event", Self.events, from: 3 * Self.events + 1)
                try await receiver.waitForRequests(3 * Self.events + 20)
                first.send(SIGTERM)
                #expect(try await first.status(within: .seconds(10)) == 0)
                let ended = ContinuousClock.now
                try await installation.waitForDelivered(4 * Self.events)
                #expect(ContinuousClock.now - ended < alone * 2 + .seconds(2))
                #expect(receiver.requests.count == 4 * Self.events)
                try await second.kill()
            }
        }
    }
}
