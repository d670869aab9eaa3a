import Foundation
import LocalPostgres
import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

/// What `dead-letter show` prints is run by a real shell with a real curl, against a real receiver.
@Suite(.timeLimit(.minutes(2))) struct RepeatedRequestTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// The command on the screen of dead letter 1.
    private func command(_ installation: Installation, _ options: String...) async throws -> String {
        let shown = await installation.run(["dead-letter", "show", "1"] + options)
        let start = try #require(shown.output.range(of: "printf %s"), "\(shown.output)\(shown.error)")
        let end = try #require(shown.output.range(of: "\n\n", range: start.lowerBound..<shown.output.endIndex))
        return String(shown.output[start.lowerBound..<end.lowerBound])
    }

    private func sent(
        _ insert: String, format: String = "envelope", _ check: (CapturedRequest) throws -> Void
    ) async throws {
        let receiver = try ScriptedReceiver()
        try await Installation.with { (installation) async throws in
            let added = await installation.run(
                "endpoint", "add", "a", "http://127.0.0.1:\(receiver.port)/it's?a=1&b=2", "--secret", Self.secret,
                "--payload-format", format, "--header", "Authorization: Bearer it's me")
            #expect(added.status == .done, "\(added.error)")
            try await installation.sql(insert)
            try await installation.bury()
            let hidden = try await command(installation)
            #expect(!hidden.contains("Bearer"))
            let shell = try await shell(command(installation, "--reveal-headers"))
            #expect(shell == 0)
        }
        let request = try #require(receiver.requests.first)
        let verifier = WebhookVerifier(secrets: [try WebhookSecret(Self.secret)])
        let fields = request.headers.map { (name: $0.name, value: $0.value) }
        _ = try verifier.verify(headers: fields, body: request.body, now: Int64(Date().timeIntervalSince1970))
        #expect(fields.contains { $0.name.lowercased() == "authorization" && $0.value == "Bearer it's me" })
        #expect(fields.contains { $0.name.lowercased() == "webhook-attempt" && $0.value == "3" })
        try check(request)
    }

    private func shell(_ text: String) async throws -> Int32? {
        try await Program(["/bin/sh", "-c", text], in: NSTemporaryDirectory()).run().status
    }

    @Test func envelope() async throws {
        try await sent(
            #"INSERT INTO postrider.outbox (event_type, payload) VALUES ('a.b', '{"text": "it''s 😀 $HOME `id`"}')"#
        ) { request in
            let body = String(decoding: request.body, as: UTF8.self)
            #expect(body.hasSuffix(#""data":{"text": "it's 😀 $HOME `id`"}}"#), "\(body)")
        }
    }

    @Test func bytesOfAnyKind() async throws {
        try await sent(
            #"INSERT INTO postrider.outbox (event_type, body) VALUES ('a.b', '\x000a0d1b5b33ff0a0a')"#
        ) { request in
            #expect(request.body == [0, 10, 13, 27, 0x5B, 0x33, 0xFF, 10, 10])
        }
    }

    @Test func linesWithinAPayload() async throws {
        try await sent(
            "INSERT INTO postrider.outbox (event_type, payload) VALUES ('a.b', E'{\\n\\t\"a\": 1}\\n')", format: "raw"
        ) { request in
            #expect(String(decoding: request.body, as: UTF8.self) == "{\n\t\"a\": 1}\n")
        }
    }
}
