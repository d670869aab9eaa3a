import Courier
import Outbox
import OutboxStore
import Postgres
import Testing
import Webhooks

@testable import Worker

@Suite struct DeliveryBuilderTests {
    private let builder = DeliveryBuilder(leaseSlack: .seconds(15))

    private func build(
        _ deliveries: [ClaimedDelivery], events: [StoredEvent], endpoints: EndpointCache
    ) -> DeliveryBuilder.Built {
        builder.build(
            deliveries, events: events, endpoints: endpoints, claimRequestedAt: .now, now: .now, wallClock: 1_000_000)
    }

    private func text(_ body: RequestBody) -> String {
        body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test func makesARequestWithTheEnvelope() throws {
        let built = build([Samples.delivery()], events: [Samples.event()], endpoints: Samples.cache(Samples.endpoint()))
        let request = try #require(built.requests.first)
        #expect(built.settled.isEmpty)
        #expect(
            text(request.body) == #"{"type":"order.paid","timestamp":"2022-11-03T20:26:10.344522Z","data":{"n":1}}"#)
    }

    @Test func twoEndpointsShareOneBody() {
        let second = Samples.endpoint(Samples.record(2))
        let built = build(
            [Samples.delivery(1, endpoint: 1, event: 9), Samples.delivery(2, endpoint: 2, event: 9)],
            events: [Samples.event(9)], endpoints: Samples.cache(Samples.endpoint(), second))
        #expect(built.requests.count == 2)
        #expect(built.requests[0].body === built.requests[1].body)
    }

    @Test func twoEventsOfOneNumberKeepTheirOwnBodies() {
        var later = Samples.event(9, content: #"{"to":"bob"}"#)
        later.createdAt = PostgresTimestamp(unixMicroseconds: 1_700_000_000_000_000)
        var second = Samples.delivery(2, event: 9)
        second.eventAt = later.createdAt
        let built = build(
            [Samples.delivery(1, event: 9), second], events: [later, Samples.event(9, content: #"{"to":"alice"}"#)],
            endpoints: Samples.cache(Samples.endpoint()))
        #expect(built.requests.map { text($0.body).contains("alice") } == [true, false])
        #expect(built.requests.map { text($0.body).contains("bob") } == [false, true])
    }

    @Test(arguments: [("raw", nil), ("envelope", "text/plain"), ("raw", "text/plain")] as [(String, String?)])
    func rawPayloadsAndBodiesGoAsTheyAre(_ format: String, _ bodyType: String?) throws {
        let endpoint = Samples.endpoint(Samples.record(format: format))
        let built = build(
            [Samples.delivery()], events: [Samples.event(content: "{ \"a\" : 1 }", bodyType: bodyType)],
            endpoints: Samples.cache(endpoint))
        #expect(text(try #require(built.requests.first).body) == "{ \"a\" : 1 }")
    }

    @Test func anExpiredEventIsSentOnlyWhereAnOperatorSaidSo() {
        var ignoring = Samples.delivery(2, event: 1)
        ignoring.ignoresExpiry = true
        let built = build(
            [Samples.delivery(1, event: 1), ignoring], events: [Samples.event(1, expiresIn: .seconds(-1))],
            endpoints: Samples.cache(Samples.endpoint()))
        #expect(built.settled.count == 1)
        #expect(built.requests.map(\.delivery.id) == [2])
        #expect(built.requests.first?.expiresAt == nil)
    }

    @Test func signsWhatIsSentWithTheTimeItIsSent() throws {
        let built = build(
            [Samples.delivery(attempt: 2)], events: [Samples.event()], endpoints: Samples.cache(Samples.endpoint()))
        let request = try #require(built.requests.first)
        var lines = HeaderLines()
        try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        #expect(lines.refusal == nil)
        let signature = try WebhookSigner(secrets: [WebhookSecret(Samples.secret)]).signature(
            id: "evt_test_1", timestamp: 1_700_000_000, body: Array(text(request.body).utf8))
        let head = lines.text
        #expect(head.contains("webhook-id: evt_test_1\n"))
        #expect(head.contains("webhook-timestamp: 1700000000\n"))
        #expect(head.contains("webhook-signature: \(signature)\n"))
        #expect(head.contains("webhook-event-type: order.paid\n"))
        #expect(head.contains("webhook-attempt: 2\n"))
        #expect(head.contains("content-type: application/json\n"))
    }

    @Test func aRequestThatCannotBeSignedIsRefused() throws {
        var event = Samples.event()
        event.webhookID = "evt.1"
        let built = build([Samples.delivery()], events: [event], endpoints: Samples.cache(Samples.endpoint()))
        let request = try #require(built.requests.first)
        var lines = HeaderLines()
        let refusal = #expect(throws: RequestRefusal.self) {
            try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        }
        #expect(refusal?.code == .internalError)
        #expect(refusal?.detail.hasPrefix("the request cannot be signed: ") == true)
        #expect(lines.count == 0)
    }

    @Test func anEventsHeaderCountsMoreThanTheEndpoints() throws {
        var event = Samples.event()
        event.headers = ["X-Shop", "event", "X-Only", "1"]
        let endpoint = Samples.endpoint(Samples.record(headers: ["x-shop: endpoint", "x-key: k"]))
        let built = build([Samples.delivery()], events: [event], endpoints: Samples.cache(endpoint))
        var lines = HeaderLines()
        try #require(built.requests.first).appendHeaders(atUnixTime: 1, to: &lines)
        #expect(lines.text.contains("X-Shop: event\n"))
        #expect(!lines.text.contains("x-shop: endpoint"))
        #expect(lines.text.contains("x-key: k\n"))
        #expect(lines.text.contains("X-Only: 1\n"))
    }

    @Test func whatHasExpiredIsNotSent() {
        let built = build(
            [Samples.delivery()], events: [Samples.event(expiresIn: .zero)],
            endpoints: Samples.cache(Samples.endpoint()))
        #expect(built.requests.isEmpty)
        #expect(built.settled.map(\.outcome) == [.expired])
    }

    @Test func whatWasCancelledUnderWayIsGivenBackUnsent() {
        let built = build(
            [Samples.delivery(attempt: 2, base: -1)], events: [Samples.event()],
            endpoints: Samples.cache(Samples.endpoint()))
        #expect(built.requests.isEmpty)
        #expect(built.settled.map(\.outcome) == [.released])
    }

    @Test func anEventThatIsGoneIsDead() {
        let built = build([Samples.delivery()], events: [], endpoints: Samples.cache(Samples.endpoint()))
        #expect(built.settled.map(\.outcome) == [.dead(.eventMissing)])
    }

    @Test func anAttemptBeyondTheLastMeansThatTheLastOnesNeverReported() {
        let endpoints = Samples.cache(Samples.endpoint(Samples.record(maxAttempts: 3)))
        let third = build([Samples.delivery(attempt: 3)], events: [Samples.event()], endpoints: endpoints)
        #expect(third.requests.count == 1)
        let fourth = build([Samples.delivery(attempt: 4)], events: [Samples.event()], endpoints: endpoints)
        #expect(fourth.settled.map(\.outcome) == [.spent])
        #expect(fourth.settled.map(\.errorCode) == [nil])
        let replayed = build([Samples.delivery(attempt: 4, base: 3)], events: [Samples.event()], endpoints: endpoints)
        #expect(replayed.requests.count == 1)
    }

    @Test(arguments: [
        ("ftp://example.com/", DeadReason.invalidURL), ("https://169.254.169.254/", .blockedAddress),
        ("https://user@example.com/", .invalidURL), ("https://example.com:99999/", .invalidURL),
    ])
    func aUrlThatBreaksARuleIsDeadWithoutARequest(_ url: String, _ reason: DeadReason) {
        let endpoint = Samples.endpoint(Samples.record(url: url))
        let built = build([Samples.delivery()], events: [Samples.event()], endpoints: Samples.cache(endpoint))
        #expect(built.requests.isEmpty)
        #expect(built.settled.map(\.outcome) == [.dead(reason)])
        #expect(built.settled.map(\.errorCode?.rawValue) == [reason.rawValue])
    }

    // MARK: Secrets

    private func settled(_ record: EndpointRecord) -> DeliveryBuilder.Built {
        build(
            [Samples.delivery()], events: [Samples.event()], endpoints: Samples.cache(Samples.endpoint(record)))
    }

    @Test func aSecretThatCannotBeReadIsTriedAgainLater() {
        let built = settled(Samples.record(secrets: ["whsec_AAAA"]))
        #expect(built.settled.map(\.outcome) == [.retry(after: .seconds(1))])
        #expect(built.settled.map(\.errorCode) == [.secretUnavailable])
        #expect(built.heldBack.isEmpty)
    }

    @Test func whatIsSealedWithAKeyThatThisWorkerLacksIsLeftToOthers() throws {
        let endpoint = Samples.endpoint(Samples.record(2, secrets: ["sealed:v1:k1:AAAA"]))
        let built = build(
            [Samples.delivery(1), Samples.delivery(2, endpoint: 2), Samples.delivery(3, endpoint: 2)],
            events: [Samples.event(1), Samples.event(2), Samples.event(3)],
            endpoints: Samples.cache(Samples.endpoint(), endpoint))
        #expect(built.requests.map(\.delivery.id) == [1])
        #expect(built.settled.map(\.outcome) == [.released, .released])
        #expect(built.settled.allSatisfy { $0.errorCode == nil })
        #expect(built.heldBack.keys.sorted() == [2])
        #expect(built.heldBack[2]?.kind == .keyMissing)
    }

    @Test func httpWhereThisWorkerMayNotIsLeftToOthers() {
        let built = settled(Samples.record(url: "http://example.com/"))
        #expect(built.requests.isEmpty && built.settled.map(\.outcome) == [.released])
        #expect(built.settled.allSatisfy { $0.errorCode == nil })
        #expect(built.heldBack.keys.sorted() == [1])
    }

    @Test(arguments: ["https://10.0.0.1/", "https://127.0.0.1/", "https://[fd00::1]/", "https://a.internal/"])
    func anAddressThatThisWorkerMayNotDialIsTriedAgain(_ url: String) {
        let built = settled(Samples.record(url: url))
        #expect(built.requests.isEmpty && built.settled.map(\.outcome) == [.retry(after: .seconds(1))])
        #expect(built.settled.map(\.errorCode) == [.blockedAddress])
        #expect(built.heldBack.isEmpty)
    }

    @Test func anOlderSecretThatCannotBeReadIsLeftOut() throws {
        for unreadable in ["sealed:v1:k1:AAAA", "whsec_AAAA", "nonsense"] {
            let endpoint = Samples.endpoint(Samples.record(secrets: [Samples.secret, unreadable]))
            #expect(endpoint.secretsLeftOut.count == 1)
            let built = build([Samples.delivery()], events: [Samples.event()], endpoints: Samples.cache(endpoint))
            var lines = HeaderLines()
            try #require(built.requests.first).appendHeaders(atUnixTime: 1, to: &lines)
            let signatures = lines.text.split(separator: "\n").first { $0.hasPrefix("webhook-signature: ") }
            #expect(signatures?.split(separator: " ").count == 2)
        }
        // But never the newest.
        #expect(settled(Samples.record(secrets: ["whsec_AAAA", Samples.secret])).requests.isEmpty)
    }
}
