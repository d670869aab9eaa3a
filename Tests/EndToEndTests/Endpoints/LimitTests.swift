import TestSupport
import Testing

extension EndToEndTests {
    /// The limits of an endpoint hold over all workers together, as its receiver sees them.
    @Suite(.timeLimit(.minutes(1))) struct LimitTests {
        @Test func theInFlightLimitHoldsOverTwoWorkers() async throws {
            try await Installation.with { installation in
                let (limit, events, pause) = (7, 140, Duration.milliseconds(100))
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: pause))
                try await installation.addEndpoint("main", receiver.url(), "--max-in-flight", String(limit))
                try await installation.publish("some.event", events)
                let workers = [
                    try await installation.startWorker("first"), try await installation.startWorker("second"),
                ]
                let requests = try await receiver.waitForRequests(events, timeout: .seconds(20))
                // A request is in flight at least as long as its answer is held back.
                #expect(Self.most(requests.map(\.arrivedAt), within: pause) == limit)
                try await installation.waitForDelivered(events)
                #expect(receiver.requests.count == events)
                for worker in workers { try await worker.kill() }
            }
        }

        @Test func theRateLimitHoldsOverTwoWorkers() async throws {
            try await Installation.with { installation in
                let (rate, events) = (50, 150)
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url(), "--rate-limit", String(rate))
                try await installation.publish("some.event", events)
                let workers = [
                    try await installation.startWorker("first"), try await installation.startWorker("second"),
                ]
                let requests = try await receiver.waitForRequests(events, timeout: .seconds(20))
                let arrivals = requests.map(\.arrivedAt).sorted()
                // The bucket holds a twentieth of a second's worth; requests may come a little closer than they were sent.
                let burst = rate / 20 + 1
                #expect(Self.most(arrivals, within: .seconds(1)) <= rate + burst + 2)
                let seconds = (arrivals[events - 1] - arrivals[0]) / .seconds(1)
                print("rate limit: \(Double(events - 1) / seconds) a second of \(rate)")
                #expect(seconds >= Double(events - burst) / Double(rate) - 0.1)
                #expect(seconds < 1.3 * Double(events) / Double(rate))
                for worker in workers { try await worker.kill() }
            }
        }

        /// The most of these instants that lie within one window of this length.
        private static func most(_ instants: [ContinuousClock.Instant], within window: Duration) -> Int {
            let sorted = instants.sorted()
            var first = 0
            var most = 0
            for (index, instant) in sorted.enumerated() {
                while instant - sorted[first] >= window { first += 1 }
                most = max(most, index - first + 1)
            }
            return most
        }
    }
}
