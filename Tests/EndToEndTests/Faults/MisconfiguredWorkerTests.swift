import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// A worker that was started wrong harms nothing: what it may not do waits for one that may.
    @Suite(.timeLimit(.minutes(1))) struct MisconfiguredWorkerTests {
        @Test func httpThatOneMayNotSendWaitsForTheOther() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                for name in ["one", "two"] {
                    try await installation.addEndpoint(name, receiver.url("/\(name)"), "--max-attempts", "1")
                }
                let probe = try HealthProbe(installation.executable)
                let settings = ["POSTRIDER_ALLOW_HTTP": "false"].merging(probe.settings) { $1 }
                let wrong = try await installation.startWorker("wrong", settings: settings)
                try await eventually("it says so after its start") {
                    wrong.said.contains("was not set up for some endpoints")
                        && wrong.said.contains("POSTRIDER_ALLOW_HTTP")
                }
                try await installation.publish("some.event", 40)
                try await eventually("it holds both back") {
                    try await probe.metric("postrider_held_back_endpoints") == 2
                }
                #expect(receiver.requests.isEmpty)
                #expect(try await installation.count("postrider.attempt_log") == 0)
                #expect(try await installation.count("postrider.dead") == 0)

                let right = try await installation.startWorker("right")
                try await installation.waitForDelivered(80)
                #expect(receiver.requests.count == 80)
                #expect(try await installation.count("postrider.attempt_log WHERE outcome <> 'delivered'") == 0)
                for worker in [wrong, right] { try await worker.kill() }
            }
        }

        /// An address of a private network may be entered on purpose, so the reason is recorded; but it is not dead at once.
        @Test func anAddressThatOneMayNotDialIsTriedAgainByTheOther() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("one", receiver.url("/one"), "--retry-schedule", "2s")
                let wrong = try await installation.startWorker(
                    "wrong", settings: ["POSTRIDER_ALLOWED_NETWORKS": "10.0.0.0/8"])
                try await installation.publish("some.event", 40)
                try await eventually("each was refused") {
                    try await installation.count("postrider.attempt_log WHERE error_code = 'blocked_address'") == 40
                }
                #expect(wrong.said.contains("was not set up for some endpoints"))
                #expect(receiver.requests.isEmpty)
                #expect(try await installation.count("postrider.dead") == 0)
                try await wrong.kill()
                let right = try await installation.startWorker("right")
                try await installation.waitForDelivered(40)
                try await right.kill()
            }
        }

        /// Where clouds hand out credentials, no worker is set up to send to: that is a dead letter at once, and counted.
        @Test func metadataServicesAreDeadAtOnce() async throws {
            try await Installation.with { installation in
                try await installation.value(
                    "SELECT postrider.register_endpoint('metadata', 'https://169.254.169.254/latest/')")
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 3)
                try await eventually("three dead letters") {
                    try await installation.count("postrider.dead_letters WHERE reason = 'blocked_address'") == 3
                }
                try await worker.kill()
            }
        }

        /// The clock of a worker is set forward by 90 seconds, and right again. Nothing is signed in between.
        @Test func aClockThatIsOffStopsClaiming() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("one", receiver.url("/one"), "--max-attempts", "1")
                let clock = installation.executable.folder.appending(path: "clock")
                func set(_ offset: String) throws {
                    try offset.write(to: clock, atomically: true, encoding: .utf8)
                }
                try set("+0")
                let probe = try HealthProbe(installation.executable)
                let settings = probe.settings.merging([
                    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                    "FAKETIME_TIMESTAMP_FILE": clock.path, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                ]) { $1 }
                let worker = try await installation.startWorker(settings: settings)
                try await installation.publish("some.event", 5)
                try await installation.waitForDelivered(5)
                try set("+90")
                try await eventually("it is not ready") { try await probe.get("/readyz").contains(#"["clock_skew"]"#) }
                try await installation.publish("some.event", 5, from: 6)
                // Long enough for many claims.
                try await Task.sleep(for: .seconds(1))
                #expect(receiver.requests.count == 5)
                #expect(worker.said.contains("nothing is claimed while the clocks"))
                #expect(try await installation.count("postrider.attempt_log") == 5)
                try set("+0")
                try await installation.waitForDelivered(10)
                #expect(worker.said.contains("the clocks agree again"))
                try await worker.kill()
            }
        }
    }
}
