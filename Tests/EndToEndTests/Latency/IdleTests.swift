import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// A worker that has little to do is quick, and one that has nothing to do is quiet.
    ///
    /// The bounds are generous, since a machine that runs tests is not quiet itself; `make bench` has the strict figures.
    @Suite(.timeLimit(.minutes(1))) struct IdleTests {
        private static let rate = 100
        private static let seconds = 5

        @Test func anEventArrivesSoonAndAnIdleWorkerUsesNextToNothing() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let worker = try await installation.startWorker()
                let committed = try await publishSteadily(installation)
                let requests = try await receiver.waitForRequests(committed.count)
                var latencies: [Duration] = []
                for request in requests {
                    let number = try #require(
                        request.text.split(separator: "\"n\":").last.flatMap { Int($0.prefix { $0.isNumber }) })
                    latencies.append(request.arrivedAt - committed[number])
                }
                latencies.sort()
                let median = latencies[latencies.count / 2]
                print("latency: p50 \(median), p99 \(latencies[latencies.count * 99 / 100])")
                #expect(median < .milliseconds(25))

                // The worker takes a few seconds to calm down; then it is measured for five.
                try await Task.sleep(for: .seconds(5))
                let before = try worker.processorTime()
                try await Task.sleep(for: .seconds(5))
                let share = (try worker.processorTime() - before) / .seconds(5)
                print("idle: \(share * 100) % of a core")
                #expect(share < 0.04)
                try await worker.kill()
            }
        }

        /// Each statement of a worker is a transaction of its own, and one that writes or locks a row takes an id.
        @Test func aWorkerThatWaitsForAnswersHardlyWrites() async throws {
            try await TestDatabase.withCluster { cluster in
                try await Installation.with(url: cluster.url()) { installation in
                    let receiver = try ScriptedReceiver(answer: .hang)
                    try await installation.addEndpoint("main", receiver.url("/main"), "--timeout", "1m")
                    try await installation.addEndpoint(
                        "full", receiver.url("/full"), "--timeout", "1m", "--max-in-flight", "1")
                    let worker = try await installation.startWorker()
                    // Of the lane that is full, the others wait.
                    for _ in 1...3 {
                        try await installation.value("SELECT postrider.publish('x', '{}', endpoint => 'full')")
                    }
                    try await installation.value("SELECT postrider.publish('x', '{}', endpoint => 'main')")
                    try await receiver.waitForRequests(2)
                    try await Task.sleep(for: .seconds(1))
                    let id = "SELECT pg_snapshot_xmax(pg_current_snapshot())"
                    let before = try #require(try await installation.value(id).flatMap(Int.init))
                    try await Task.sleep(for: .seconds(6))
                    let after = try #require(try await installation.value(id).flatMap(Int.init))
                    print("statements that write, in 6 s: \(after - before)")
                    #expect(after - before <= 2 * 6)
                    #expect(after > before, "the worker tells that it is alive")
                    #expect(receiver.requests.count == 2)
                    try await worker.kill()
                }
            }
        }

        /// Events at a steady rate, one transaction each; when each of them was committed.
        private func publishSteadily(_ installation: Installation) async throws -> [ContinuousClock.Instant] {
            let start = ContinuousClock.now
            var committed: [ContinuousClock.Instant] = []
            for number in 0..<(Self.rate * Self.seconds) {
                try await Task.sleep(until: start + .seconds(number) / Self.rate)
                _ = try await installation.connection.query(
                    "INSERT INTO postrider.outbox (event_type, payload) VALUES ('tick.event', $1::json)",
                    ["{\"n\":\(number)}"], deadline: TestDatabase.deadline)
                committed.append(.now)
            }
            return committed
        }
    }
}
