import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Everything goes through a proxy, whose failure is no endpoint's.
    @Suite(.timeLimit(.minutes(1))) struct ProxyTests {
        /// What others read is not read.
        private func settings(_ proxy: ScriptedProxy, _ scheme: String) -> [String: String] {
            [
                "POSTRIDER_PROXY": proxy.url(scheme, credentials: "us:canary"), "NO_PROXY": "*", "no_proxy": "*",
                "HTTPS_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1",
                "http_proxy": "http://127.0.0.1:1",
            ]
        }

        @Test(arguments: ["http", "socks5h"])
        func itsFailureBurnsNoAttemptSlowsAllAndIsOver(scheme: String) async throws {
            try await Installation.with { installation in
                let proxy = try ScriptedProxy(credentials: "us:canary")
                let receiver = try ScriptedReceiver()
                let probe = try HealthProbe(installation.executable)
                let settings = settings(proxy, scheme)
                let worker = try await installation.startWorker(settings: probe.settings.merging(settings) { $1 })
                for number in 1...20 {
                    try await installation.addEndpoint("e\(number)", receiver.url("/\(number)"), "--max-attempts", "2")
                }
                receiver.answer(path: "/verified") { request in
                    let text = request.text.split(separator: "\"challenge\":\"").last ?? ""
                    return .status(200, body: text.split(separator: "\"").first.map(String.init) ?? "")
                }
                try await installation.addEndpoint(
                    "verified", receiver.url("/verified"), "--verify", "challenge", "--auth",
                    "oauth2:\(receiver.url("/token")),id,secret")
                receiver.answer(path: "/token", with: .status(200, body: #"{"access_token":"t"}"#))
                try await installation.publish("some.event", 5)
                try await installation.waitForDelivered(105)
                // Endpoints, the token server and the question: all of it.
                #expect(Set(proxy.asked.map(\.target)) == ["127.0.0.1:\(receiver.port)"])
                #expect(receiver.connectionCount == proxy.asked.count)

                proxy.stop()
                try await installation.publish("some.event", 5)
                try await eventually("it shows") { try await probe.get("/readyz").contains("work_failing") }
                try await eventually("the worker has told", within: .seconds(15)) {
                    try await installation.count("postrider.workers WHERE failing = 'proxy'") == 1
                }
                let doctor = try await installation.command("doctor", settings: settings)
                #expect(
                    doctor.status == 1
                        && doctor.output.contains("proxy: \(scheme)://127.0.0.1:\(proxy.port) cannot be reached"))
                let test = try await installation.command("endpoint", "test", "e1", settings: settings)
                #expect(test.status == 1 && test.output.contains("proxy_error"))
                let claimed = try #require(try await probe.metric("postrider_claimed_deliveries_total"))
                #expect(claimed < 500, "\(claimed)")
                #expect(try await installation.count("postrider.attempt_log") == 105)
                #expect(
                    try await installation.count("postrider.event_deliveries WHERE status = 'pending' AND attempts = 0")
                        == 105)
                #expect(
                    try await installation.count(
                        "postrider.endpoint_health WHERE state <> 'active' OR consecutive_failures > 0") == 0)

                try proxy.start()
                let healed = ContinuousClock.now
                try await installation.waitForDelivered(210)
                print("\(scheme): all delivered \(ContinuousClock.now - healed) after the proxy came back")
                try await eventually("it is well again") { try await !probe.get("/readyz").contains("work_failing") }
                #expect(try await installation.count("postrider.attempt_log WHERE outcome <> 'delivered'") == 0)
                let shown = "\(worker.said)\(doctor.output)\(test.output)\(try await probe.get("/metrics"))"
                #expect(!shown.contains("canary"))
                #expect(
                    try await installation.count(
                        "postrider.workers WHERE settings LIKE '%canary%' OR last_error LIKE '%canary%'") == 0)
                #expect(receiver.violations.isEmpty)
                try await worker.kill()
            }
        }

        @Test func onePlaceThatItCannotReachIsThatEndpointsFaultAndDelaysNoOther() async throws {
            try await Installation.with { installation in
                let proxy = try ScriptedProxy(credentials: "us:canary")
                let receiver = try ScriptedReceiver()
                let dead = try ScriptedReceiver()
                proxy.behave(.refuse(status: 503, reply: 4), to: "127.0.0.1:\(dead.port)")
                let worker = try await installation.startWorker(settings: settings(proxy, "http"))
                try await installation.addEndpoint("dead", dead.url(), "--retry-schedule", "50ms")
                for number in 1...10 { try await installation.addEndpoint("e\(number)", receiver.url("/\(number)")) }
                for round in 1...10 {
                    try await installation.publish("some.event", 1)
                    try await installation.waitForDelivered(10 * round, within: .seconds(5))
                }
                try await eventually("its attempts are on record") {
                    try await installation.count(
                        "postrider.attempt_log WHERE endpoint = 'dead' AND error_code = 'network_unreachable' AND error LIKE '%503%'"
                    ) > 0
                }
                try await worker.kill()
            }
        }
    }
}
