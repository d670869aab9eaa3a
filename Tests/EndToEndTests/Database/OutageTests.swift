import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// The database is away for longer than the leases of what is in flight, or the worker is.
    @Suite(.timeLimit(.minutes(2))) struct OutageTests {
        private static let deliveries = 200
        /// Four times the lease, which is two seconds.
        private static let outage = Duration.seconds(8)

        @Test(arguments: [1, 3]) func nothingIsSentAgainAfterAnOutageLongerThanTheLeases(workers count: Int)
            async throws
        {
            try await TestDatabase.withCluster(.init()) { cluster in
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .milliseconds(700)))
                // Its connection dies with the server, so everything after that asks with a new one.
                try await Installation.with(url: cluster.url()) { installation in
                    for endpoint in 1...4 {
                        // Every second one has a limit, so that housekeeping looks at its leases too.
                        let limit = endpoint % 2 == 0 ? ["--max-in-flight", "100"] : []
                        try await installation.addEndpoint(
                            "main-\(endpoint)", receiver.url("/\(endpoint)"), ["--timeout", "1s"] + limit)
                    }
                    var workers: [RunningProgram] = []
                    var probes: [HealthProbe] = []
                    for number in 1...count {
                        let probe = try HealthProbe(installation.executable)
                        let settings = probe.settings.merging(["POSTRIDER_LEASE_SLACK": "1s"]) { $1 }
                        workers.append(try await installation.startWorker("worker-\(number)", settings: settings))
                        probes.append(probe)
                    }
                    try await installation.publish("main.event", Self.deliveries / 4)
                    try await receiver.waitForRequests(Self.deliveries)
                    try await cluster.stop(.immediate)
                    let stopped = ContinuousClock.now
                    // An operator sees soon how many outcomes are kept.
                    try await eventually("the metric tells of all outcomes", within: .seconds(5)) {
                        try await kept(probes) == Self.deliveries
                    }
                    try await eventually("the log tells of them", within: .seconds(5)) {
                        // Not all of the workers need have had something in flight.
                        workers.contains { $0.said.contains("outcomes could not be recorded") }
                    }
                    try await Task.sleep(until: stopped + Self.outage)
                    #expect(receiver.requests.count == Self.deliveries)
                    try await cluster.start()
                    try await expectAllRecordedOnce(cluster)
                    #expect(try await kept(probes) == 0)
                    #expect(receiver.requests.count == Self.deliveries)
                    for worker in workers {
                        worker.send(SIGTERM)
                        #expect(try await worker.status(within: .seconds(30)) == 0)
                        #expect(!worker.said.contains("an outcome is lost"))
                    }
                }
            }
        }

        private func kept(_ probes: [HealthProbe]) async throws -> Int {
            var sum = 0
            for probe in probes { sum += Int(try await probe.metric("postrider_unrecorded_outcomes") ?? -1) }
            return sum
        }

        private func expectAllRecordedOnce(_ cluster: ThrowAwayCluster) async throws {
            let connection = try await TestDatabase.connect(to: PostgresConfiguration(cluster.url()))
            try await eventually("all outcomes are recorded", within: .seconds(10)) {
                let sql = "SELECT count(*) FROM postrider.event_deliveries WHERE status = 'delivered'"
                return try await connection.query(sql, deadline: TestDatabase.deadline).first == String(Self.deliveries)
            }
            // Time for a second request of what was recorded too late.
            try await Task.sleep(for: .seconds(1))
            let attempts = try await connection.query(
                "SELECT count(*), max(attempt), max(outcome) FROM postrider.attempts", deadline: TestDatabase.deadline)
            #expect(attempts.rows == [[String(Self.deliveries), "1", "0"]])
            await connection.close()
        }

        @Test func whatCannotBeRecordedBeforeTheEndIsNamedInTheLog() async throws {
            try await TestDatabase.withCluster(.init()) { cluster in
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .seconds(1)))
                try await Installation.with(url: cluster.url()) { installation in
                    try await installation.addEndpoint("main", receiver.url(), ["--timeout", "3s"])
                    let worker = try await installation.startWorker(settings: ["POSTRIDER_DRAIN_TIMEOUT": "2s"])
                    try await installation.publish("main.event", 30)
                    try await receiver.waitForRequests(30)
                    try await cluster.stop(.immediate)
                    worker.send(SIGTERM)
                    _ = try await worker.status(within: .seconds(30))
                    let lines = worker.said.split(separator: "\n").filter { $0.contains("an outcome is lost") }
                    #expect(lines.count == 30)
                    #expect(lines.allSatisfy { $0.contains("\"outcome\":\"delivered\"") && $0.contains("delivery.id") })
                }
            }
        }

        /// A worker that has delivered one event.
        private func withWorker(
            _ body: (Installation, ScriptedReceiver, RunningProgram) async throws -> Void
        ) async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let worker = try await installation.startWorker()
                try await installation.publish("main.event", 1)
                try await receiver.waitForRequests(1)
                try await body(installation, receiver, worker)
                try await worker.kill()
            }
        }

        @Test func aWorkerThatWasStoppedHearsOfNewEventsAtOnce() async throws {
            try await withWorker { installation, receiver, worker in
                for stop in 1...2 {
                    worker.send(SIGSTOP)
                    try await Task.sleep(for: .seconds(4))
                    worker.send(SIGCONT)
                    let resumed = ContinuousClock.now
                    try await installation.publish("main.event", 1)
                    try await receiver.waitForRequests(1 + stop)
                    #expect(ContinuousClock.now - resumed < .seconds(2))
                }
            }
        }

        @Test func aWorkerIsNotDeafAfterASlowLook() async throws {
            try await withWorker { installation, receiver, _ in
                try await installation.connection.withTransaction(deadline: .seconds(20)) { transaction in
                    _ = try await transaction.query(
                        "LOCK postrider.lanes IN ACCESS EXCLUSIVE MODE", deadline: .seconds(5))
                    try await Task.sleep(for: .seconds(5))
                }
                let unlocked = ContinuousClock.now
                try await installation.publish("main.event", 1)
                try await receiver.waitForRequests(2)
                #expect(ContinuousClock.now - unlocked < .seconds(2))
            }
        }
    }
}
