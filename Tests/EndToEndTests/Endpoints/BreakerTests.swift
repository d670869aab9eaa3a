import TestSupport
import Testing

extension EndToEndTests {
    /// A crowd of endpoints of which some fail, each in its way.
    @Suite(.timeLimit(.minutes(2))) struct BreakerTests {
        /// How long a request takes at an endpoint that works: rounds of a slow start can be told apart.
        private static let answerTime = Duration.milliseconds(60)
        private static let faults: [String: ReceiverAnswer] = [
            "500": .status(500), "502": .status(502), "503": .status(503, then: .close), "504": .status(504),
            "429": .status(429),
            "hang": .hang, "reset": .resetAfterRequest, "close": .closeWithoutAnswer, "drip": .dripHead,
            "garbage": .raw("hello\r\n"),
        ]
        private static let works = ReceiverAnswer.ok.delayed(by: answerTime)

        @Test func tenOfAHundredFailingHoldUpNoOtherAndComeBackSlowly() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: Self.works)
                for (name, fault) in Self.faults { receiver.answer(path: "/\(name)", with: fault) }
                try await installation.value(
                    """
                    SELECT count(postrider.register_endpoint(name, $1 || name, timeout => '400 ms'))
                    FROM (SELECT 'good' || n AS name FROM generate_series(1, 90) AS n UNION ALL SELECT unnest($2::text[])) names
                    """, [receiver.url("/"), "{\(Self.faults.keys.joined(separator: ","))}"])
                let workers = [
                    try await installation.startWorker("one"), try await installation.startWorker("two"),
                ]
                // They fail for the first time.
                try await installation.publish("some.event", 20)
                let failing = "postrider.endpoint_health WHERE state = 'failing'"
                try await eventually("all ten are failing") { try await installation.count(failing) == 10 }
                let good = "postrider.event_deliveries WHERE status = 'delivered' AND endpoint LIKE 'good%'"
                try await eventually("the others have all") { try await installation.count(good) == 1_800 }
                let closed = ContinuousClock.now
                try await installation.publish("some.event", 20)
                try await eventually("the others have all again", within: .seconds(10)) {
                    try await installation.count(good) == 3_600
                }
                // The pauses are 5 s and 10 s, ±20 %: in this time no more than one probe each.
                try await Task.sleep(until: closed + .seconds(9))
                for name in Self.faults.keys {
                    let probes = receiver.requests.filter {
                        $0.path == "/\(name)" && $0.arrivedAt > closed + .seconds(1)
                    }
                    #expect(probes.count <= 1, "\(name)")
                }

                // They work again.
                for name in Self.faults.keys { receiver.answer(path: "/\(name)", with: nil) }
                let healed = ContinuousClock.now
                try await installation.waitForDelivered(4_000, within: .seconds(60))
                for name in Self.faults.keys {
                    let arrivals = receiver.requests.filter { $0.path == "/\(name)" && $0.arrivedAt > healed }
                        .map(\.arrivedAt)
                    let first = try #require(arrivals.first)
                    // At most twice as many in each round as in the one before.
                    for round in 1...4 {
                        let soon = arrivals.count { $0 < first + Self.answerTime * round }
                        #expect(soon <= (1 << round) - 1, "\(name), round \(round)")
                    }
                }
                #expect(try await installation.count("postrider.unaccounted") == 0)
                for worker in workers { try await worker.kill() }
            }
        }
    }
}
