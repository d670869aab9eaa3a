import Foundation
import Synchronization
import TestSupport
import Testing

extension EndToEndTests {
    /// Receivers that have to agree before anything is sent to them.
    @Suite(.timeLimit(.minutes(1))) struct VerificationTests {
        /// The value of `challenge` in a request.
        private static func challenge(_ request: CapturedRequest) -> String {
            request.text.split(separator: "\"challenge\":\"").last?.split(separator: "\"").first.map(String.init) ?? ""
        }

        private static func isQuestion(_ request: CapturedRequest) -> Bool {
            request.header("webhook-event-type") == "postrider.verification"
        }

        @Test func nothingIsSentBeforeTheyAgreeAndAllOfItAtOnceWhenTheyDo() async throws {
            try await Installation.with { installation in
                try await installation.value("UPDATE postrider.settings SET origin = 'shop.example'")
                let receiver = try ScriptedReceiver()
                func echo(_ path: String, _ body: @escaping @Sendable (String) -> String) {
                    receiver.answer(path: path) { request in
                        guard Self.isQuestion(request) else { return .ok }
                        return .status(200, body: body(Self.challenge(request)))
                    }
                }
                echo("/json") { #"{"challenge":"\#($0)"}"# }
                echo("/plain") { $0 }
                echo("/wrong") { _ in #"{"challenge":"0"}"# }
                receiver.answer(path: "/moved", with: .status(302, headers: [("Location", receiver.url("/json"))]))
                receiver.answer(path: "/mute", with: .hang)
                receiver.answer(path: "/options") { request in
                    request.method == "OPTIONS"
                        ? .status(
                            404,
                            headers: [("WebHook-Allowed-Origin", "shop.example"), ("webhook-allowed-rate", "600000")])
                        : .ok
                }
                receiver.answer(path: "/silent", with: .ok)
                let worker = try await installation.startWorker()
                let good = ["json", "plain", "options"]
                let bad = ["wrong", "moved", "mute", "silent"]
                for name in good + bad {
                    let kind = name == "options" || name == "silent" ? "cloudevents" : "challenge"
                    try await installation.value(
                        "SELECT postrider.register_endpoint($1, $2, verify => $3, auth => 'bearer:canary')",
                        [name, receiver.url("/\(name)"), kind])
                }
                try await installation.publish("some.event", 5)
                let published = ContinuousClock.now
                try await installation.waitForDelivered(15, within: .seconds(5))
                print("agreed and delivered after \(ContinuousClock.now - published)")
                for name in good {
                    let requests = receiver.requests.filter { $0.path == "/\(name)" }
                    let question = try #require(requests.first)
                    #expect(Self.isQuestion(question) && requests.count == 6, "\(name)")
                    #expect(question.header("webhook-signature")?.hasPrefix("v1,") == true)
                    #expect(requests.allSatisfy { $0.header("authorization") == "Bearer canary" })
                }
                let handshake = receiver.requests.filter { $0.path == "/options" }
                #expect(handshake[0].method == "OPTIONS" && handshake[0].body.isEmpty)
                #expect(handshake.allSatisfy { $0.header("webhook-request-origin") == "shop.example" })
                try await eventually("the others are asked") {
                    let asked = Set(receiver.requests.map(\.path))
                    return bad.allSatisfy { asked.contains("/\($0)") }
                }
                #expect(
                    receiver.requests.allSatisfy { !bad.contains(String($0.path.dropFirst())) || Self.isQuestion($0) })
                for (name, why) in [
                    ("wrong", "does not hold the challenge"), ("moved", "302, and redirects are not followed"),
                    ("silent", "without WebHook-Allowed-Origin"),
                ] {
                    try await eventually("\(name) says why") {
                        try await installation.count(
                            "postrider.endpoint_health WHERE endpoint = '\(name)' AND state = 'verifying' AND held = 5 AND state_reason LIKE '%\(why)'"
                        ) == 1
                    }
                }
                #expect(receiver.violations.isEmpty)

                // One that learns it: asked again at once when it is resumed.
                echo("/wrong") { $0 }
                let resumed = try await installation.command("endpoint", "resume", "wrong")
                #expect(resumed.output.hasPrefix("Endpoint wrong is verifying"), "\(resumed.output)\(resumed.errors)")
                let began = ContinuousClock.now
                try await installation.waitForDelivered(20, within: .seconds(5))
                #expect(ContinuousClock.now - began < .seconds(3))
                // And out of it by an operator's word.
                let updated = try await installation.command(
                    "endpoint", "update", "moved", "--verify", "none", "--json")
                #expect(updated.output.contains(#""state":"active""#), "\(updated.output)\(updated.errors)")
                try await eventually("it is sent to") {
                    receiver.requests.contains { $0.path == "/moved" && !Self.isQuestion($0) }
                }
                let shown = try await installation.command("endpoint", "show", "json")
                #expect(shown.output.contains("challenge, agreed at"))
                let status = try await installation.command("status", "--json")
                #expect(status.output.contains(#""endpoints_verifying":2"#))
                #expect(!worker.said.contains("canary"))
                #expect(try await installation.count("postrider.unaccounted") == 0)
                try await worker.kill()
            }
        }

        @Test func aKilledWorkersQuestionIsAskedByAnotherAndACrowdOfMuteOnesDelaysNoOne() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver(answer: .hang)
                receiver.answer(path: "/good") { .status(200, body: Self.challenge($0)) }
                try await installation.value(
                    """
                    SELECT count(postrider.register_endpoint('mute' || n, $1, verify => 'challenge', timeout => '1 s'))
                    FROM generate_series(1, 30) AS n
                    """, [receiver.url("/mute")])
                let worker = try await installation.startWorker()
                try await receiver.waitForRequests(30)
                let began = ContinuousClock.now
                try await installation.addEndpoint("good", receiver.url("/good"), "--verify", "challenge")
                try await installation.publish("some.event", 1)
                try await eventually("it has agreed") {
                    try await installation.count(
                        "postrider.endpoint_health WHERE endpoint = 'good' AND state = 'active'") == 1
                }
                #expect(ContinuousClock.now - began < .seconds(3))
                // Killed while it asks.
                receiver.answer(path: "/late", with: .hang)
                try await installation.addEndpoint(
                    "late", receiver.url("/late"), "--verify", "challenge", "--timeout", "100ms")
                try await eventually("late is asked") { receiver.requests.contains { $0.path == "/late" } }
                try await worker.kill()
                let asked = receiver.requests.count { $0.path == "/late" }
                // Its half minute is over.
                try await installation.value(
                    "UPDATE postrider.endpoints SET ask_at = ask_at - interval '31 s' WHERE name = 'late'")
                receiver.answer(path: "/late") { .status(200, body: Self.challenge($0)) }
                let second = try await installation.startWorker("second")
                try await eventually("another one asks") {
                    try await installation.count(
                        "postrider.endpoint_health WHERE endpoint = 'late' AND state = 'active'") == 1
                }
                #expect(receiver.requests.count { $0.path == "/late" } == asked + 1)
                try await second.kill()
            }
        }
    }
}
