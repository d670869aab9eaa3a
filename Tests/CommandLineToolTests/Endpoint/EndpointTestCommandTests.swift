import Foundation
import Outbox
import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EndpointTestCommandTests {
    private static let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

    @Test func sendsASignedPing() async throws {
        try await Installation.with { (installation) async throws in
            let receiver = try ScriptedReceiver()
            defer { receiver.stop() }
            _ = await installation.run(
                "endpoint", "add", "a \"b\"", receiver.url(), "--secret", Self.secret, "--header", "X-Team: billing",
                "--payload-format", "raw")
            let tested = await installation.run("endpoint", "test", "a \"b\"", "--json")
            #expect(tested.status == .done, "\(tested.error)")
            let report = try tested.json()
            #expect(report["ok"] as? Bool == true)
            #expect(report["http_status"] as? Int == 200)
            #expect(report["remote_address"] as? String == "127.0.0.1")
            #expect(report["response_body"] as? String == "ok")
            #expect(((report["timings"] as? [String: Any])?["total_ms"] as? Double ?? 0) > 0)

            let request = try #require(receiver.requests.first)
            #expect(receiver.requests.count == 1)
            #expect(receiver.violations.isEmpty)
            let text = String(decoding: request.body, as: UTF8.self)
            #expect(text.hasPrefix(#"{"type":"postrider.ping","timestamp":""#))
            #expect(text.hasSuffix(#","data":{"endpoint":"a \"b\""}}"#))
            #expect(request.header("x-team") == "billing")
            #expect(request.header("webhook-event-type") == "postrider.ping")
            #expect(request.header("webhook-id") == report["webhook_id"] as? String)
            let verifier = WebhookVerifier(secrets: [try WebhookSecret(Self.secret)])
            #expect(throws: Never.self) {
                try verifier.verify(
                    headers: request.headers, body: request.body, now: Int64(Date().timeIntervalSince1970))
            }
            #expect(try await installation.sql("SELECT count(*) FROM postrider.outbox") == "0")
            #expect(try await installation.sql("SELECT count(*) FROM postrider.attempts") == "0")
        }
    }

    @Test func sendsATypeAndAPayloadOfOnesOwn() async throws {
        try await Installation.with { (installation) async throws in
            let receiver = try ScriptedReceiver()
            defer { receiver.stop() }
            for format in ["raw", "envelope"] {
                _ = await installation.run(
                    "endpoint", "add", format, receiver.url(), "--event-type", "x.y", "--payload-format", format)
            }
            let payload = #"{"total": 1.10, "a":[ ]}"#
            for (arguments, input) in [
                (["raw", "--payload", payload], ""), (["envelope", "--payload", "-"], payload), (["envelope"], ""),
            ] {
                let tested = await installation.run(
                    ["endpoint", "test", "--event-type", "order.paid"] + arguments, input: input)
                #expect(tested.status == .done, "\(tested.error)")
            }
            let bodies = receiver.requests.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(bodies.first == payload)
            #expect(bodies.dropFirst().first?.hasPrefix(#"{"type":"order.paid","timestamp":""#) == true)
            #expect(bodies.dropFirst().first?.hasSuffix(#","data":\#(payload)}"#) == true)
            #expect(bodies.last?.hasSuffix(#","data":{}}"#) == true)
            #expect(receiver.requests.allSatisfy { $0.header("webhook-event-type") == "order.paid" })
            #expect(receiver.violations.isEmpty)
            for wrong in [["--payload", "{,}"], ["--payload", ""], ["--event-type", "a b"], ["--payload", "{} {}"]] {
                #expect(await installation.run(["endpoint", "test", "raw"] + wrong).status == .badData, "\(wrong)")
            }
            #expect(receiver.requests.count == 3)
        }
    }

    @Test func failureIsReportedAndExits1() async throws {
        try await Installation.with { (installation) async throws in
            let receiver = try ScriptedReceiver(answer: .status(503, body: Hostile.text))
            _ = await installation.run("endpoint", "add", "a", receiver.url())
            let refused = await installation.run("endpoint", "test", "a")
            #expect(refused.status == .failure)
            #expect(refused.output.hasPrefix("failed  a  503  "))
            #expect(refused.output.contains("the endpoint answered 503"))
            #expect(refused.error.isEmpty)
            #expect(refused.isHarmless)
            receiver.stop()

            let gone = await installation.run("endpoint", "test", "a", "--json")
            #expect(gone.status == .failure)
            #expect(try gone.json()["ok"] as? Bool == false)
            #expect(try gone.json()["error_code"] as? String == "connection_refused")
            #expect(try gone.json()["http_status"] == nil)
        }
    }

    @Test func policyIsJudgedAgain() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            let blocked = await installation.run(
                "endpoint", "test", "a", environment: ["POSTRIDER_ALLOWED_NETWORKS": "10.0.0.0/8"])
            #expect(blocked.status == .failure)
            #expect(blocked.output.hasPrefix("failed  a  blocked_address\n"))
            #expect(blocked.output.contains("blocked network"))
        }
    }

    /// What stops a ping is what stops a delivery, under the same error code.
    @Test func endpointIsJudgedAsAWorkerDoes() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            let refused = await installation.run(
                "endpoint", "test", "a", "--json", environment: ["POSTRIDER_ALLOW_HTTP": "false"])
            #expect(refused.status == .failure)
            #expect(try refused.json()["error_code"] as? String == "invalid_url")
            try await installation.sql("UPDATE postrider.endpoints SET headers = '{no colon}'")
            let header = await installation.run("endpoint", "test", "a", "--json")
            #expect(header.status == .failure)
            #expect(try header.json()["error_code"] as? String == "invalid_headers")
            #expect(
                try header.json()["error"] as? String
                    == "headers of the endpoint: a header is written like 'Name: value'; there is no colon")
        }
    }

    @Test func sealedSecretIsOpenedWithItsKey() async throws {
        try await Installation.with { (installation) async throws in
            let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
            defer { try? FileManager.default.removeItem(atPath: path) }
            let key = "k1:" + String(repeating: "ab", count: 32) + "\n"
            _ = FileManager.default.createFile(
                atPath: path, contents: Data(key.utf8), attributes: [.posixPermissions: 0o400])
            let environment = ["POSTRIDER_SECRET_KEY_FILE": path]
            let receiver = try ScriptedReceiver()
            defer { receiver.stop() }
            let added = await installation.run(
                "endpoint", "add", "a", receiver.url(), "--secret", Self.secret, "--tenant", "acme",
                environment: environment)
            #expect(added.status == .done, "\(added.error)")
            let stored = try await installation.sql("SELECT secret FROM postrider.endpoint_secrets") ?? ""
            #expect(stored.hasPrefix("sealed:v1:k1:"))
            #expect(!stored.contains(Self.secret))
            #expect(await installation.run("endpoint", "test", "a", environment: environment).status == .done)

            let rotated = await installation.run("endpoint", "rotate-secret", "a", environment: environment)
            #expect(rotated.status == .done, "\(rotated.error)")
            #expect(
                try await installation.sql(
                    "SELECT count(*) FROM postrider.endpoint_secrets WHERE secret LIKE 'sealed:v1:%'") == "2")
            #expect(await installation.run("endpoint", "test", "a", environment: environment).status == .done)

            let without = await installation.run("endpoint", "test", "a")
            #expect(without.status == .configuration)
            #expect(without.error.contains("POSTRIDER_SECRET_KEY_FILE"))
            let missing = await installation.run(
                "endpoint", "test", "a", environment: ["POSTRIDER_SECRET_KEY_FILE": "/nowhere/at/all"])
            #expect(missing.status == .configuration)
        }
    }
}

@Suite struct PingAdviceTests {
    @Test func namesTheEndpointAsAShellTakesIt() {
        #expect(
            PingAdvice.text(endpoint: "it's", status: 401, code: "http_status")
                == #"does the receiver have the same secret? postrider endpoint rotate-secret 'it'\''s' makes a new one"#
        )
        #expect(PingAdvice.text(endpoint: "a", status: 503, code: "http_status") == "see the receiver's own logs")
        #expect(PingAdvice.text(endpoint: "a", status: 301, code: "redirect")?.contains("--url URL") == true)
        #expect(PingAdvice.text(endpoint: "a", status: 200, code: nil) == nil)
    }

    @Test(arguments: [
        ErrorCode.timeout, .connectTimeout, .connectionRefused, .connectionReset, .networkUnreachable, .dnsFailure,
        .tlsFailure, .blockedAddress, .invalidURL, .redirect, .protocolError,
    ])
    func everyFailureOfTheNetworkHasSome(_ code: ErrorCode) {
        #expect(PingAdvice.text(endpoint: "a", status: nil, code: code.rawValue)?.isEmpty == false)
    }

    @Test func anOperatorIsToldWhoCanSendIt() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            try await installation.sql("CREATE ROLE a_tester LOGIN IN ROLE postrider_operator")
            let url = installation.database.url.replacing("postgres@", with: "a_tester@", maxReplacements: 1)
            let refused = await installation.run(
                ["endpoint", "test", "a"], environment: ["POSTRIDER_DATABASE_URL": url])
            #expect(refused.status == .configuration)
            #expect(
                refused.error.contains("the login of a worker, which has the role postrider_worker"), "\(refused.error)"
            )
            #expect(refused.error.contains("postrider event list --endpoint a"))
            try await installation.sql("DROP ROLE a_tester")
        }
    }
}
