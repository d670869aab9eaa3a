import Courier
import Foundation
import Outbox
import OutboxStore
import Settings
import Testing
import Webhooks

@testable import Worker

/// What an endpoint keeps sealed is opened, or nothing is sent and no attempt burnt.
@Suite struct EndpointSecretsTests {
    private static let sealing = try? SecretSealing(keyFile: Array("k1:\(String(repeating: "1", count: 64))".utf8))
    private static let other = try? SecretSealing(keyFile: Array("k2:\(String(repeating: "2", count: 64))".utf8))

    private func sealed(_ text: String, _ purpose: SealingPurpose) throws -> String {
        try #require(Self.sealing).seal(text, for: SealingContext(endpoint: "main", tenant: "", purpose: purpose))
    }

    private func judge(_ sealing: SecretSealing?) -> EndpointJudge {
        EndpointJudge(policy: EndpointPolicy(), sealing: sealing, version: "test")
    }

    private func record(_ change: (inout EndpointRecord) throws -> Void) rethrows -> EndpointRecord {
        var record = Samples.record()
        try change(&record)
        return record
    }

    /// Each thing that can be sealed, sealed.
    private func records() throws -> [EndpointRecord] {
        [
            try record { $0.secrets = [try sealed(Samples.secret, .signingSecret)] },
            try record {
                $0.signature = ["v1a"]
                $0.signingKeys = [try sealed("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=", .signingSecret)]
            },
            try record { $0.auth = "bearer:\(try sealed("canary", .authorization))" },
            try record { $0.auth = "oauth2:\(try sealed("https://t.example/,id,canary", .authorization))" },
            try record {
                $0.clientCertificate = "x"
                $0.clientKey = try sealed("canary", .clientKey)
            },
        ]
    }

    @Test func whatIsSealedIsOpened() throws {
        for record in try records() { _ = try judge(Self.sealing).settings(record) }
    }

    @Test func withoutTheKeyNothingIsSentAndNoAttemptCounts() throws {
        for record in try records() {
            for sealing in [nil, Self.other] {
                let obstacle = try #require(throws: SendingObstacle.self) { _ = try judge(sealing).settings(record) }
                #expect(obstacle.kind == .keyMissing && obstacle.isHeldBack)
                #expect(!obstacle.message.contains("canary"))
            }
        }
    }

    @Test func sealedForAnotherPlaceItIsNotOpened() throws {
        let record = try record { $0.auth = "bearer:\(try sealed("canary", .clientKey))" }
        let obstacle = try #require(throws: SendingObstacle.self) { _ = try judge(Self.sealing).settings(record) }
        #expect(obstacle.kind == .secretUnavailable)
    }

    @Test func whatBreaksARuleIsSaidWithoutShowingIt() throws {
        let records = [
            record { $0.signature = ["hmac:Host,sha256,hex"] }, record { $0.signature = [] },
            record { $0.auth = "bearer:ca nary" }, record { $0.method = "GET" }, record { $0.text = "{" },
            record { $0.payloadFormat = "xml" }, record { $0.auth = "basic:canary" },
        ]
        for record in records {
            let obstacle = try #require(throws: SendingObstacle.self) { _ = try judge(nil).settings(record) }
            #expect(obstacle.kind == .invalidEndpoint && !obstacle.message.contains("canary"), "\(obstacle.message)")
        }
    }

    @Test func noHeaderTakesThePlaceOfAProof() throws {
        var event = Samples.event()
        event.headers = ["authorization", "event", "X-HUB-signature-256", "event", "x-free", "event"]
        let endpoint = Samples.endpoint(
            record {
                $0.signature = ["github"]
                $0.auth = "basic:u:p"
                $0.headers = ["X-Hub-Signature-256: endpoint"]
            })
        let built = DeliveryBuilder(leaseSlack: .seconds(15)).build(
            [Samples.delivery()], events: [event], endpoints: Samples.cache(endpoint), claimRequestedAt: .now,
            now: .now,
            wallClock: 1)
        var lines = HeaderLines()
        try #require(built.requests.first).appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        let head = lines.text.lowercased()
        #expect(head.contains("authorization: basic dtpw\n") && head.contains("x-free: event\n"))
        #expect(head.components(separatedBy: "authorization:").count == 2)
        #expect(head.components(separatedBy: "x-hub-signature-256: sha256=").count == 2)
        #expect(!head.contains("webhook-signature") && !head.contains(": endpoint"))
    }

    @Test(arguments: [
        ("cloudevents", "application/cloudevents+json; charset=UTF-8", #""data":{"n":1}}"#),
        ("cloudevents-binary", "application/json", #"{"n":1}"#), ("slack", "application/json", #"{"text":"n is 1"}"#),
    ]) func formats(_ format: String, _ contentType: String, _ end: String) throws {
        let endpoint = Samples.endpoint(
            record {
                $0.payloadFormat = format
                $0.text = "n is {n}"
            })
        let built = DeliveryBuilder(leaseSlack: .seconds(15)).build(
            [Samples.delivery()], events: [Samples.event()], endpoints: Samples.cache(endpoint), claimRequestedAt: .now,
            now: .now, wallClock: 1)
        let request = try #require(built.requests.first)
        let body = request.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(body.hasSuffix(end), "\(body)")
        var lines = HeaderLines()
        try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        #expect(lines.text.contains("content-type: \(contentType)\n"))
        #expect(lines.text.contains("ce-id: evt_test_1\n") == (format == "cloudevents-binary"))
    }
}
