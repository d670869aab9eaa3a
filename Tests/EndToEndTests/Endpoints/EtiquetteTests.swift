import TestSupport
import Testing

extension EndToEndTests {
    /// What a receiver's answers ask of the sender.
    @Suite(.timeLimit(.minutes(2))) struct EtiquetteTests {
        private static let statuses = """
            SELECT endpoint || ' ' || status || ' ' || attempts FROM postrider.event_deliveries ORDER BY endpoint, event_id
            """

        @Test func answersDisableAbortAndEndDeliveriesAtOnce() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                func answer(_ path: String, _ status: Int, _ word: String? = nil) {
                    receiver.answer(
                        path: path, with: .status(status, headers: word.map { [("Webhook-Delivery", $0)] } ?? []))
                }
                answer("/disable", 503, "disable")
                answer("/enough", 200, "disable")
                answer("/abort", 500, "abort-message")
                answer("/permanent", 422)
                for name in ["disable", "enough", "abort", "permanent"] {
                    try await installation.addEndpoint(
                        name, receiver.url("/\(name)"), "--permanent-status", "400,422", "--max-in-flight", "1")
                }
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 2)
                let expected = [
                    "abort dead 1", "abort dead 1", "disable held 0", "disable held 1", "enough delivered 1",
                    "enough held 0", "permanent dead 1", "permanent dead 1",
                ]
                try await eventually("all have ended") {
                    try await installation.rows(Self.statuses).compactMap { $0[0] }.sorted() == expected
                }
                let reasons = "SELECT DISTINCT reason FROM postrider.dead_letters ORDER BY 1"
                #expect(try await installation.rows(reasons) == [["abort_message"], ["permanent_status"]])
                #expect(receiver.requests.count == 6)
                #expect(worker.said.contains("an endpoint is disabled"))
                try await worker.kill()
            }
        }

        @Test func retryAfterClosesTheLaneForAllItsEvents() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                receiver.answer(next: [.status(429, headers: [("Retry-After", "2")])])
                try await installation.addEndpoint("main", receiver.url(), "--max-in-flight", "1")
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 20)
                let requests = try await receiver.waitForRequests(20)
                let wait = requests[1].arrivedAt - requests[0].arrivedAt
                #expect(wait >= .seconds(2) && wait < .seconds(4))
                try await worker.kill()
            }
        }

        @Test func eventsOfAKeyCarryTheirPlace() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url())
                let worker = try await installation.startWorker()
                for _ in 1...3 {
                    try await installation.value("SELECT postrider.publish('a.b', '{}', ordering_key => 'k')")
                }
                try await installation.publish("some.event", 1)
                let requests = try await receiver.waitForRequests(4)
                let sequence = requests.filter { $0.header("webhook-event-type") == "a.b" }
                    .compactMap { $0.header("webhook-sequence").flatMap(Int.init) }
                #expect(sequence.count == 3 && sequence == sequence.sorted() && Set(sequence).count == 3)
                #expect(requests.filter { $0.header("webhook-sequence") == nil }.count == 1)
                try await worker.kill()
            }
        }
    }
}
