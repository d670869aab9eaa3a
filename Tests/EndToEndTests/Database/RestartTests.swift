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
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .milliseconds(5)))
                var workers: [RunningProgram] = []
                // Its connection dies with the server, so everything after that asks with a new one.
                let settings = ["POSTRIDER_LEASE_SLACK": "2s"]
                try await Scene.with(url: cluster.url()) { scene in
                    try await scene.addEndpoint(
                        "main", receiver.url(), "--timeout", "2s", "--retry-schedule", "1s,1s,1s,1s,1s")
                    for number in 1...2 {
                        workers.append(try await scene.startWorker("worker-\(number)", settings: settings))
                    }
                    var inserted = 0
                    for restart in 0...Self.restarts {
                        inserted += try await produce(cluster, count: Self.eventsBetween, from: inserted)
                        guard restart < Self.restarts else { break }
                        let seen = receiver.requests.count
                        inserted += try await produce(cluster, count: Self.eventsBetween, from: inserted)
                        try await receiver.waitForRequests(seen + 1)
                        try await cluster.restart(.immediate)
                    }
                    try await check(cluster, receiver, workers, inserted)
                }
                for worker in workers { try await worker.kill() }
            }
        }

        /// Inserts events, one transaction each, over a new connection.
        private func produce(_ cluster: ThrowAwayCluster, count: Int, from first: Int) async throws -> Int {
            let connection = try await TestConnection.open(PostgresConfiguration(cluster.url()))
            for number in first..<(first + count) {
                _ = try await connection.query(
                    "INSERT INTO postrider.outbox (event_type, payload) VALUES ('load.event', $1::json)",
                    ["{\"n\":\(number)}"], deadline: TestDatabase.deadline)
            }
            await connection.close()
            return count
        }

        private func check(
            _ cluster: ThrowAwayCluster, _ receiver: ScriptedReceiver, _ workers: [RunningProgram], _ inserted: Int
        ) async throws {
            let connection = try await TestConnection.open(PostgresConfiguration(cluster.url()))
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
            let tokens = Dictionary(grouping: requests, by: AttemptToken.init)
            #expect(tokens.filter { $0.value.count > 1 }.map(\.key) == [])
            print("restarts: \(requests.count - inserted) extra requests for \(inserted) events")
            #expect(receiver.violations == [])
            for worker in workers { #expect(worker.isRunning) }
        }
    }
}
