import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// A key that a worker lacks is our mistake and not the receiver's: no attempt is counted, and it shows.
    @Suite(.timeLimit(.minutes(1))) struct MissingKeyTests {
        private func keyFile(_ name: String, _ digit: String, in installation: Installation) throws -> [String: String]
        {
            let file = installation.executable.folder.appending(path: name)
            try "\(name):\(String(repeating: digit, count: 64))\n".write(to: file, atomically: true, encoding: .utf8)
            chmod(file.path, 0o400)
            return ["POSTRIDER_SECRET_KEY_FILE": file.path]
        }

        @Test(arguments: [false, true])
        func whatAWorkerHasNoKeyForWaitsForOneThatHas(hasOtherKey: Bool) async throws {
            try await Installation.with { installation in
                let right = try keyFile("k1", "1", in: installation)
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("plain", receiver.url("/plain"))
                let added = try await installation.command(
                    "endpoint", "add", "sealed", receiver.url("/sealed"), "--max-attempts", "2", "--retry-schedule",
                    "100ms", settings: right)
                #expect(added.status == 0, "\(added.errors)")
                let probe = try HealthProbe(installation.executable)
                let wrong = hasOtherKey ? try keyFile("k2", "2", in: installation) : [:]
                let worker = try await installation.startWorker(settings: probe.settings.merging(wrong) { $1 })
                try await installation.publish("some.event", 40)
                try await receiver.waitForRequests(40)
                try await eventually("it shows") { try await probe.get("/readyz").contains(#"["key_missing"]"#) }
                try await eventually("the worker has told") {
                    try await installation.count("postrider.workers WHERE held_back = 1") == 1
                }
                // Enough for several attempts of the schedule.
                try await Task.sleep(for: .seconds(1))
                #expect(try await probe.metric("postrider_held_back_endpoints") == 1)
                #expect(try await installation.count("postrider.attempt_log WHERE endpoint = 'sealed'") == 0)
                // Each claim has a number of its own, and none of them counts.
                let waiting =
                    "postrider.event_deliveries WHERE endpoint = 'sealed' AND status = 'pending' AND attempts = 0"
                #expect(try await installation.count(waiting) == 40)
                #expect(worker.said.split(separator: "\n").count { $0.contains("deliveries wait for a worker") } == 1)
                let doctor = try await installation.command("doctor", "--offline")
                #expect(doctor.status == 1 && doctor.output.contains("held back: worker"))
                #expect(try await installation.command("status").output.hasPrefix("All is well") == false)
                #expect(receiver.requests.count == 40)

                // The first worker stays as it is, and does not keep the second from sending.
                let began = ContinuousClock.now
                let second = try await installation.startWorker("second", settings: right)
                try await receiver.waitForRequests(80, timeout: .seconds(20))
                print("with the key: \(ContinuousClock.now - began)")
                try await installation.waitForDelivered(80)
                #expect(try await installation.count("postrider.event_deliveries WHERE attempts <> 1") == 0)
                #expect(try await installation.count("postrider.attempt_log WHERE outcome <> 'delivered'") == 0)
                #expect(try await installation.count("postrider.dead") == 0)
                for worker in [worker, second] { try await worker.kill() }
            }
        }
    }
}
