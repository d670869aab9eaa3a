import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// PostgreSQL goes down as in a crash, several times, while events are inserted and delivered.
    @Suite(.timeLimit(.minutes(2))) struct RestartTests {
        private static let restarts = 3
        private static let eventsBetween = 400

        @Test func nothingIsLostWhenPostgreSQLCrashesUnderLoad() async throws {
            try await TestDatabase.withCluster(.init()) { cluster in
                // Slow enough for the crash to come while requests are in flight whose claims are just committed.
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .milliseconds(200)))
                var workers: [RunningProgram] = []
                // Its connection dies with the server, so everything after that asks with a new one.
                let settings = ["POSTRIDER_LEASE_SLACK": "2s"]
                try await Installation.with(url: cluster.url()) { installation in
                    try await installation.addEndpoint(
                        "main", receiver.url(), "--timeout", "2s", "--retry-schedule", "1s,1s,1s,1s,1s")
                    for number in 1...2 {
                        workers.append(try await installation.startWorker("worker-\(number)", settings: settings))
                    }
                    for restart in 0...Self.restarts {
                        let seen = receiver.requests.count
                        try await produce(cluster, from: restart * Self.eventsBetween)
                        guard restart < Self.restarts else { break }
                        try await receiver.waitForRequests(seen + 20)
                        try await cluster.restart(.immediate)
                    }
                    try await check(cluster, receiver, workers, (Self.restarts + 1) * Self.eventsBetween)
                }
                for worker in workers { try await worker.kill() }
            }
        }

        /// Inserts events over a new connection: many at once, and then some one by one.
        private func produce(_ cluster: ThrowAwayCluster, from first: Int) async throws {
            let connection = try await TestDatabase.connect(to: PostgresConfiguration(cluster.url()))
            let sql = """
                INSERT INTO postrider.outbox (event_type, payload)
                SELECT 'load.event', ('{"n":' || n || '}')::json FROM generate_series($1::int, $2::int) AS n
                """
            let single = first + Self.eventsBetween - 20
            let spans = [(first, single - 1)] + (single..<(single + 20)).map { ($0, $0) }
            for (from, to) in spans {
                _ = try await connection.query(sql, [String(from), String(to)], deadline: TestDatabase.deadline)
            }
            await connection.close()
        }

        private func check(
            _ cluster: ThrowAwayCluster, _ receiver: ScriptedReceiver, _ workers: [RunningProgram], _ inserted: Int
        ) async throws {
            let connection = try await TestDatabase.connect(to: PostgresConfiguration(cluster.url()))
            func count(_ source: String) async throws -> Int? {
                let sql = "SELECT count(*) FROM \(source)"
                return Int(try await connection.query(sql, deadline: TestDatabase.deadline).first ?? "")
            }
            try await eventually("all events are delivered", within: .seconds(40)) {
                try await count("postrider.event_deliveries WHERE status = 'delivered'") == inserted
            }
            #expect(try await count("postrider.unaccounted") == 0)
            #expect(try await count("postrider.outbox") == inserted)
            await connection.close()

            let requests = receiver.requests
            #expect(Set(requests.compactMap { $0.header("webhook-id") }).count == inserted)
            // Each of the extra requests says which attempt it is.
            #expect(Set(requests.map(\.attemptToken)).count == requests.count)
            print("restarts: \(requests.count - inserted) extra requests for \(inserted) events")
            #expect(receiver.violations == [])
            for worker in workers { #expect(worker.isRunning) }
        }
    }
}
