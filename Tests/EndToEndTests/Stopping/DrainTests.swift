import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// SIGTERM ends a worker in good order, even when the database or a receiver fails at that time.
    @Suite(.timeLimit(.minutes(2))) struct DrainTests {
        private static let events = 300

        @Test func sigtermFinishesWhatIsInFlightAndSendsNothingTwice() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .ok.delayed(by: .milliseconds(200)))
                // Few at a time, so that SIGTERM comes in the midst of them.
                try await installation.addEndpoint("main", receiver.url(), "--max-in-flight", "20")
                try await installation.publish("load.event", Self.events)
                let first = try await installation.startWorker("first")
                try await receiver.waitForRequests(50)
                first.send(SIGTERM)
                #expect(try await first.status(within: .seconds(10)) == 0)
                let sent = receiver.requests.count
                #expect(sent < Self.events)
                #expect(try await installation.count("postrider.event_deliveries WHERE status = 'delivered'") == sent)
                #expect(try await installation.count("postrider.event_deliveries WHERE status = 'in_flight'") == 0)

                let second = try await installation.startWorker("second")
                try await installation.waitForDelivered(Self.events)
                second.send(SIGTERM)
                #expect(try await second.status(within: .seconds(10)) == 0)
                #expect(receiver.requests.count == Self.events)
                #expect(Set(receiver.requests.compactMap { $0.header("webhook-id") }).count == Self.events)
            }
        }

        @Test func sigtermHandsBackWhatHangs() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .hang)
                try await installation.addEndpoint("main", receiver.url(), "--timeout", "60s", "--retry-schedule", "1s")
                try await installation.publish("hang.event", 20)
                let worker = try await installation.startWorker(settings: ["POSTRIDER_DRAIN_TIMEOUT": "2s"])
                try await receiver.waitForRequests(20)
                let began = ContinuousClock.now
                worker.send(SIGTERM)
                #expect(try await worker.status(within: .seconds(5)) == 0)
                #expect(ContinuousClock.now - began > .seconds(1.9))
                try await expectHandedBack(20, to: receiver, of: installation)
            }
        }

        /// The worker has handed its deliveries back: another one sends them at once, not after the lease, which has a minute
        /// left, and no attempt number comes twice.
        private func expectHandedBack(
            _ count: Int, to receiver: ScriptedReceiver, of installation: Installation
        ) async throws {
            #expect(try await installation.count("postrider.event_deliveries WHERE status = 'in_flight'") == 0)
            receiver.answer(with: .ok)
            let next = try await installation.startWorker("next")
            try await installation.waitForDelivered(count, within: .seconds(10))
            let requests = receiver.requests
            #expect(Set(requests.map(\.attemptToken)).count == requests.count)
            try await next.kill()
        }

        @Test(arguments: [SIGTERM, SIGINT]) func aSecondSignalHandsBackWhatHangsAtOnce(_ second: Int32) async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .hang)
                try await installation.addEndpoint("main", receiver.url(), "--timeout", "60s", "--retry-schedule", "1s")
                try await installation.publish("hang.event", 20)
                let worker = try await installation.startWorker(settings: ["POSTRIDER_DRAIN_TIMEOUT": "60s"])
                try await receiver.waitForRequests(20)
                worker.send(SIGTERM)
                try await eventually("the worker drains") {
                    try await installation.count("postrider.workers WHERE draining") == 1
                }
                worker.send(second)
                #expect(try await worker.status(within: .seconds(5)) == 0)
                #expect(worker.said.contains("told to stop again"))
                try await expectHandedBack(20, to: receiver, of: installation)
            }
        }

        @Test func aDrainThatIsCutWithoutADatabaseEndsWithOne() async throws {
            try await TestDatabase.withCluster { cluster in
                try await Installation.with(url: cluster.url()) { installation in
                    let receiver = try ScriptedReceiver(answer: .hang)
                    try await installation.addEndpoint("main", receiver.url(), "--timeout", "60s")
                    try await installation.publish("hang.event", 5)
                    let worker = try await installation.startWorker(settings: ["POSTRIDER_DRAIN_TIMEOUT": "60s"])
                    try await receiver.waitForRequests(5)
                    worker.send(SIGTERM)
                    try await eventually("the worker drains") {
                        try await installation.count("postrider.workers WHERE draining") == 1
                    }
                    try await cluster.stop(.immediate)
                    worker.send(SIGTERM)
                    #expect(try await worker.status(within: .seconds(8)) == 1)
                    #expect(worker.said.contains("the drain was cut"))
                }
            }
        }

        @Test func sigtermEndsTheWorkerWhileTheDatabaseIsDown() async throws {
            try await TestDatabase.withCluster { cluster in
                try await Installation.with(url: cluster.url()) { installation in
                    let receiver = try ScriptedReceiver(answer: .hang)
                    try await installation.addEndpoint("main", receiver.url(), "--timeout", "60s")
                    try await installation.publish("hang.event", 5)
                    let worker = try await installation.startWorker(settings: ["POSTRIDER_DRAIN_TIMEOUT": "2s"])
                    try await receiver.waitForRequests(5)
                    try await cluster.stop(.immediate)
                    worker.send(SIGTERM)
                    #expect(try await worker.status(within: .seconds(8)) == 0)
                }
            }
        }
    }
}
