import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// How requests are signed, authorized and made: each line of what `endpoint add` offers, as it stands on the wire.
    @Suite(.timeLimit(.minutes(1))) struct SendingTests {
        private static let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="

        private func requests(_ receiver: ScriptedReceiver) -> [String: CapturedRequest] {
            Dictionary(receiver.requests.map { ($0.path, $0) }, uniquingKeysWith: { _, last in last })
        }

        @Test func eachLineOfWhatIsOffered() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                let options: [String: [String]] = [
                    "plain": [], "v1a": ["--signature", "v1a", "--signing-key", Self.key],
                    "several": [
                        "v1", "svix", "github", "stripe", "shopify", "slack", "hmac:X-Own,sha512,base64,v={timestamp}:",
                    ]
                    .flatMap { ["--signature", $0] },
                    "bearer": ["--auth", "bearer:canary"], "basic": ["--auth", "basic:u:p"], "jwt": ["--auth", "jwt"],
                    "put": ["--method", "PUT"], "patch": ["--method", "PATCH"],
                    "structured": ["--payload-format", "cloudevents"],
                    "binary": ["--payload-format", "cloudevents-binary"],
                    "slack": ["--payload-format", "slack", "--text", "*{n}* of {missing}{{x}}"],
                    "discord": ["--payload-format", "discord"],
                    "teams": ["--payload-format", "teams", "--text", "{n}"],
                ]
                for (name, options) in options {
                    try await installation.addEndpoint(name, receiver.url("/\(name)"), options)
                }
                let worker = try await installation.startWorker()
                try await installation.publish("order.paid", 1)
                try await receiver.waitForRequests(options.count)
                try await installation.waitForDelivered(options.count)
                let sent = requests(receiver)
                func header(_ path: String, _ name: String) -> String { sent["/\(path)"]?.header(name) ?? "" }

                #expect(header("plain", "webhook-signature").hasPrefix("v1,"))
                #expect(sent["/plain"]?.method == "POST" && header("plain", "authorization").isEmpty)
                #expect(header("v1a", "webhook-signature").hasPrefix("v1a,"))
                let several = try #require(sent["/several"])
                #expect(several.header("svix-signature") == several.header("webhook-signature"))
                #expect(several.header("svix-id") == several.header("webhook-id"))
                #expect(several.header("X-Hub-Signature-256")?.hasPrefix("sha256=") == true)
                let timestamp = try #require(several.header("webhook-timestamp"))
                #expect(several.header("Stripe-Signature")?.hasPrefix("t=\(timestamp),v1=") == true)
                #expect(several.header("X-Shopify-Hmac-Sha256")?.count == 44)
                #expect(several.header("X-Slack-Request-Timestamp") == timestamp)
                #expect(several.header("X-Own")?.hasPrefix("v=\(timestamp):") == true)
                #expect(header("bearer", "authorization") == "Bearer canary")
                #expect(header("basic", "authorization") == "Basic dTpw")
                #expect(header("jwt", "authorization").split(separator: ".").count == 3)
                #expect(sent["/put"]?.method == "PUT" && sent["/patch"]?.method == "PATCH")
                #expect(sent["/put"]?.body == sent["/plain"]?.body)
                #expect(header("structured", "content-type") == "application/cloudevents+json; charset=UTF-8")
                #expect(sent["/structured"]?.text.hasSuffix(#""data":{"n":1}}"#) == true)
                #expect(sent["/binary"]?.text == #"{"n":1}"# && header("binary", "ce-type") == "order.paid")
                #expect(header("binary", "ce-id") == header("binary", "webhook-id"))
                #expect(sent["/slack"]?.text == #"{"text":"*1* of {x}"}"#)
                #expect(sent["/discord"]?.text == #"{"content":"order.paid","allowed_mentions":{"parse":[]}}"#)
                #expect(sent["/teams"]?.text.contains(#""text":"1""#) == true)
                #expect(receiver.violations.isEmpty)

                // What is public is shown as often as asked, what is not never.
                let shown = try await installation.command("endpoint", "show", "v1a", "--json")
                #expect(shown.output.contains("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="))
                let bearer = try await installation.command("endpoint", "show", "bearer", "--json")
                #expect(bearer.output.contains(#""auth":"bearer""#) && !bearer.output.contains("canary"))
                #expect(!worker.said.contains("canary"))
                try await worker.kill()
            }
        }

        @Test func tokensAreFetchedOnceAndTheirFailureIsNotTheReceivers() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                receiver.answer(
                    path: "/token", with: .status(200, body: #"{"access_token":"first","expires_in":3600}"#))
                try await installation.addEndpoint(
                    "a", receiver.url("/hook"),
                    ["--auth", "oauth2:\(receiver.url("/token")),id,canary", "--retry-schedule", "100ms"])
                let worker = try await installation.startWorker()
                try await installation.publish("order.paid", 100)
                try await installation.waitForDelivered(100)
                func count(_ path: String) -> Int { receiver.requests.count { $0.path == path } }
                #expect(count("/token") == 1 && count("/hook") == 100)
                #expect(
                    receiver.requests.allSatisfy { $0.path == "/token" || $0.header("authorization") == "Bearer first" }
                )

                // Other credentials count at once, without a pause.
                receiver.answer(path: "/token", with: .status(401, body: #"{"error":"invalid_client"}"#))
                let other = "oauth2:\(receiver.url("/token")),id,canary2"
                let changed = try await installation.command("endpoint", "update", "a", "--auth", other)
                #expect(changed.status == 0, "\(changed.errors)")
                try await installation.publish("order.paid", 1)
                let failed =
                    "postrider.attempt_log WHERE error_code = 'token_failure' AND error LIKE '%answered 401 invalid_client' AND http_status IS NULL"
                try await eventually("the failure is recorded") { try await installation.count(failed) > 0 }
                #expect(count("/hook") == 100)
                receiver.answer(path: "/token", with: .status(200, body: #"{"access_token":"second"}"#))
                try await eventually("the rest arrives or is dead") {
                    try await installation.count("postrider.deliveries") == 0
                }
                let tested = try await installation.command("endpoint", "test", "a")
                #expect(tested.status == 0, "\(tested.output) \(tested.errors)")
                #expect(receiver.requests.last?.header("authorization") == "Bearer second")
                let told = try await installation.command("endpoint", "show", "a")
                #expect(!"\(worker.said)\(told.output)\(tested.output)".contains("canary"))
                try await worker.kill()
            }
        }

        @Test func everythingMovesToANewKeyWhileWorkersSend() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                let file = installation.executable.folder.appending(path: "keys")
                func write(_ keys: [String]) throws {
                    unlink(file.path)
                    try keys.map { "\($0):\(String(repeating: String($0.suffix(1)), count: 64))\n" }.joined()
                        .write(to: file, atomically: true, encoding: .utf8)
                    chmod(file.path, 0o400)
                }
                let settings = ["POSTRIDER_SECRET_KEY_FILE": file.path]
                func add(_ name: String, _ auth: String, _ settings: [String: String]) async throws {
                    let ending = try await installation.command(
                        "endpoint", "add", name, receiver.url("/\(name)"), "--signature", "v1", "--signature", "v1a",
                        "--auth",
                        auth, settings: settings)
                    #expect(ending.status == 0, "\(ending.errors)")
                }
                try write(["k1"])
                try await add("plain", "bearer:before", [:])
                try await add("sealed", "bearer:canary", settings)
                let stored = try await installation.rows("SELECT secret FROM postrider.endpoint_secrets ORDER BY id")
                #expect(stored.map { $0[0]?.hasPrefix("sealed:v1:k1:") } == [false, false, true, true])
                try write(["k2", "k1"])
                let worker = try await installation.startWorker(settings: settings)
                let doctor = try await installation.command("doctor", "--offline", settings: settings)
                #expect(
                    doctor.output.contains("3 secrets sealed with an older key, 3 secrets not sealed"),
                    "\(doctor.output)")
                let resealed = try await installation.command("secrets", "reseal", settings: settings)
                #expect(resealed.output == "Sealed 6 secrets of 2 endpoints with key k2.\n", "\(resealed.errors)")
                let again = try await installation.command("secrets", "reseal", settings: settings)
                #expect(again.output == "Sealed 0 secrets of 0 endpoints with key k2.\n")
                let all = """
                    (SELECT secret AS text FROM postrider.endpoint_secrets UNION ALL SELECT substr(auth, 8) FROM postrider.endpoints) t
                    WHERE t.text LIKE 'sealed:v1:k2:%'
                    """
                #expect(try await installation.count(all) == 6)
                // The worker, and one that has the new key alone.
                try await installation.publish("order.paid", 1)
                try await receiver.waitForRequests(2)
                try await worker.kill()
                try write(["k2"])
                let second = try await installation.startWorker("second", settings: settings)
                try await installation.publish("order.paid", 1)
                for request in try await receiver.waitForRequests(4) {
                    let token = request.path == "/plain" ? "before" : "canary"
                    #expect(request.header("authorization") == "Bearer \(token)")
                }
                #expect(!second.said.contains("canary"))
                try await second.kill()
            }
        }
    }
}
