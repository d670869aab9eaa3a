import Testing
import Webhooks

@testable import Inbox

@Suite("What a request says about itself")
struct WebhookFactsTests {
    private func source(_ scheme: String, _ change: (inout StoredSource) -> Void = { _ in }) throws -> Source {
        var stored = StoredSource(id: 1, name: "a", scheme: scheme)
        stored.allowNetworks = scheme == "none" ? ["127.0.0.0/8"] : []
        change(&stored)
        return try Source(
            stored, secrets: scheme == "standard" ? ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] : ["a:secret"])
    }

    private func facts(
        _ source: Source, _ body: String, _ headers: [(name: String, value: String)] = []
    ) throws -> WebhookFacts {
        // A scheme that signs nothing by itself stands for all that were verified.
        let verified = try RequestVerifier(scheme: .none, secrets: []).verify(headers: [], body: [], now: 0)
        return try WebhookFacts(of: source, verified: verified, headers: headers, body: Array(body.utf8))
    }

    private static let emptyDigest = "sha256_e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @Test("where the senders of each scheme say it")
    func usual() throws {
        let body = #"{"id":"evt_1","type":"charge.ok","event_id":"Ev1","event":{"type":"message"}}"#
        let headers = [
            (name: "x-github-delivery", value: "d1"), (name: "X-GitHub-Event", value: "push"),
            (name: "X-Shopify-Webhook-Id", value: "s1"), (name: "x-shopify-topic", value: "orders/create"),
        ]
        func both(_ scheme: String) throws -> [String?] {
            let found = try facts(try source(scheme), body, headers)
            return [found.id, found.eventType, found.correlation]
        }
        #expect(try both("github") == ["d1", "push", nil])
        #expect(try both("shopify") == ["s1", "orders/create", nil])
        #expect(try both("stripe") == ["evt_1", "charge.ok", nil])
        #expect(try both("slack") == ["Ev1", "message", nil])
        #expect(try both("standard")[1] == "charge.ok")
        for scheme in ["bearer", "basic", "jwt", "none", "hmac:X-Sig,sha256,hex"] {
            #expect(try both(scheme)[0]?.hasPrefix("sha256_") == true)
            #expect(try both(scheme)[1] == nil)
        }
    }

    @Test("without an id the body names the request, whatever it is")
    func digest() throws {
        #expect(try facts(try source("bearer"), "").id == Self.emptyDigest)
        for scheme in ["stripe", "github", "shopify", "slack"] {
            #expect(try facts(try source(scheme), "").id == Self.emptyDigest)
            #expect(try facts(try source(scheme), "not json").id.hasPrefix("sha256_"))
        }
    }

    @Test("what the operator names must be readable; an id must be there")
    func wanted() throws {
        let byBody = try source("github") { stored in
            (stored.idFrom, stored.eventTypeFrom, stored.correlationFrom) = ("$.n", "header:X-Kind", "$.order.id")
        }
        let found = try facts(byBody, #"{"n":7,"order":{"id":"o1"}}"#, [(name: "x-kind", value: "k")])
        #expect(found == (try facts(byBody, #"{"order":{"id":"o1"},"n":7}"#, [(name: "X-KIND", value: "k")])))
        #expect([found.id, found.eventType, found.correlation] == ["7", "k", "o1"])
        #expect(throws: Refusal.notJSON) { try facts(byBody, "<xml/>") }
        #expect(throws: Refusal.notJSON) { try facts(byBody, "") }
        #expect(throws: Refusal.tooDeep) { try facts(byBody, String(repeating: "[", count: 1000)) }
        #expect(throws: Refusal.idMissing) { try facts(byBody, #"{"n":null}"#) }
        #expect(throws: Refusal.idMissing) { try facts(byBody, #"{"n":""}"#) }
        #expect(throws: Refusal.invalidValue) { try facts(byBody, #"{"n":"a\u0000b"}"#) }
        #expect(throws: Refusal.invalidValue) {
            try facts(byBody, #"{"n":""# + String(repeating: "x", count: 257) + #""}"#)
        }
        #expect(try facts(byBody, #"{"n":1,"order":[]}"#).correlation == nil)
    }

    @Test("sources that cannot be used")
    func unusable() throws {
        #expect(throws: UnusableSource.self) { try source("none") { $0.allowNetworks = [] } }
        #expect(throws: UnusableSource.self) { try source("nonsense") }
        #expect(throws: UnusableSource.self) { try source("github") { $0.idFrom = "$" } }
        #expect(throws: UnusableSource.self) { try source("github") { $0.trustProxies = ["10.0.0.0/33"] } }
        #expect(throws: UnusableSource.self) {
            try Source(StoredSource(id: 1, name: "a", scheme: "github"), secrets: [])
        }
    }
}
