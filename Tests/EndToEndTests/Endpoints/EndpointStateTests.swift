import TestSupport
import Testing

extension EndToEndTests {
    /// What an endpoint and its operator say about being sent to.
    @Suite(.timeLimit(.minutes(1))) struct EndpointStateTests {
        private static let delivery = "SELECT status FROM postrider.event_deliveries WHERE endpoint = 'main'"

        @Test func aPausedEndpointGetsNothingUntilItIsResumed() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url("/main"))
                try await installation.addEndpoint("other", receiver.url("/other"))
                let worker = try await installation.startWorker()
                try await installation.value("SELECT postrider.pause_endpoint('main')")
                try await installation.publish("some.event", 5)
                // The other endpoint gets them, and later ones too: the worker has gone by.
                try await receiver.waitForRequests(5)
                try await installation.publish("some.event", 5)
                try await receiver.waitForRequests(10)
                #expect(receiver.requests.allSatisfy { $0.path == "/other" })
                #expect(try await installation.rows(Self.delivery) == Array(repeating: ["held"], count: 10))

                try await installation.value("SELECT postrider.resume_endpoint('main')")
                try await installation.waitForDelivered(20)
                #expect(receiver.requests.count { $0.path == "/main" } == 10)
                try await worker.kill()
            }
        }

        @Test func anEndpointThatIsGoneIsDisabledAndKeepsItsEvents() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .status(410))
                try await installation.addEndpoint("main", receiver.url())
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 1)
                let state = "SELECT state FROM postrider.endpoint_health"
                try await eventually("the endpoint is disabled") { try await installation.value(state) == "disabled" }
                try await installation.publish("some.event", 1)
                try await eventually("the worker has settled") {
                    try await installation.rows(Self.delivery) == [["held"], ["held"]]
                }
                #expect(receiver.requests.count == 1)

                receiver.answer(with: .ok)
                try await installation.value("SELECT postrider.resume_endpoint('main')")
                try await installation.waitForDelivered(2)
                #expect(Set(receiver.requests.map(\.attemptToken)).count == 3)
                try await worker.kill()
            }
        }

        @Test func retryAfterIsHonoured() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                receiver.answer(next: [.status(503, headers: [("Retry-After", "2")])])
                try await installation.addEndpoint("main", receiver.url(), "--retry-schedule", "10ms")
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 1)
                let requests = try await receiver.waitForRequests(2)
                let wait = requests[1].arrivedAt - requests[0].arrivedAt
                #expect(wait >= .seconds(2) && wait < .seconds(4))
                try await worker.kill()
            }
        }
    }
}
