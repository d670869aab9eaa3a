import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// An operator looks at what an act would do, and leaves the transaction open.
    @Suite(.timeLimit(.minutes(2))) struct OpenPreviewTests {
        /// Events of the other endpoint: 100 transactions of four a second.
        private static let events = 2_400

        @Test(arguments: [
            "pause_endpoint('limited')", "update_endpoint('limited', rate_limit => 50)", "cancel_event(1)",
            "remove_endpoint('limited')",
        ])
        func keepsNoOtherEndpointWaiting(act: String) async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                // Their outcomes come while the lane is held.
                receiver.answer(path: "/limited", with: .ok.delayed(by: .milliseconds(800)))
                try await installation.addEndpoint(
                    "limited", receiver.url("/limited"), ["--event-type", "limited.*", "--max-in-flight", "40"])
                try await installation.addEndpoint("main", receiver.url("/main"), ["--event-type", "main.*"])
                let worker = try await installation.startWorker(settings: ["POSTRIDER_LEASE_SLACK": "2s"])
                try await installation.publish("limited.event", 30)
                try await receiver.waitForRequests(30)
                let latencies = try await installation.connection.withTransaction(deadline: .seconds(60)) {
                    transaction in
                    _ = try await transaction.query("SELECT postrider.\(act)", deadline: .seconds(10))
                    return try await publishSteadily(installation, receiver)
                }
                print("\(act): p50 \(latencies[latencies.count / 2]), p99 \(latencies[latencies.count * 99 / 100])")
                // A few may meet a pause of the machine; a lane that waits for the act makes most of them late, by seconds.
                #expect(latencies[latencies.count * 9 / 10] < .milliseconds(100))
                #expect(latencies[latencies.count * 99 / 100] < .milliseconds(500))
                // What was in flight is recorded when the act is over, and was sent once.
                try await eventually("nothing is in flight any more", within: .seconds(10)) {
                    try await installation.count("postrider.deliveries WHERE lease_by <> 0") == 0
                }
                #expect(receiver.requests.count { $0.path == "/limited" } == 30)
                #expect(try await installation.count("postrider.attempts WHERE outcome = 3") == 0)
                try await worker.kill()
            }
        }

        /// Publishes on a connection of its own, waits until all has arrived; how long each event took, sorted.
        private func publishSteadily(
            _ installation: Installation, _ receiver: ScriptedReceiver
        ) async throws -> [Duration] {
            let connection = try await TestDatabase.connect(
                to: PostgresConfiguration(installation.url, applicationName: "producer"))
            let start = ContinuousClock.now
            var committed: [ContinuousClock.Instant] = []
            for number in 0..<(Self.events / 4) {
                try await Task.sleep(until: start + .seconds(number) / 100)
                let sql = """
                    INSERT INTO postrider.outbox (event_type, payload)
                    SELECT 'main.event', ('{"n":' || n || '}')::json FROM generate_series($1::int, $1::int + 3) AS n
                    """
                _ = try await connection.query(sql, [String(number * 4)], deadline: TestDatabase.deadline)
                committed += Array(repeating: .now, count: 4)
            }
            await connection.close()
            try await eventually("all events have arrived", within: .seconds(20)) {
                receiver.requests.count { $0.path == "/main" } >= Self.events
            }
            return try receiver.requests.filter { $0.path == "/main" }.map { request in
                let number = request.text.split(separator: "\"n\":").last.flatMap { Int($0.prefix { $0.isNumber }) }
                return request.arrivedAt - committed[try #require(number)]
            }.sorted()
        }
    }
}
