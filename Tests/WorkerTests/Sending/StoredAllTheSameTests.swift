import Courier
import Outbox
import OutboxStore
import Postgres
import Testing

@testable import Worker

/// What is stored although a rule forbids it: only what it belongs to suffers, under a code of its own, and nothing takes its
/// place.
@Suite struct StoredAllTheSameTests {
    private func built(
        _ deliveries: [ClaimedDelivery], events: [StoredEvent], unreadable: [EventKey: SendingObstacle] = [:],
        _ endpoints: EndpointRecord...
    ) -> DeliveryBuilder.Built {
        var cache = EndpointCache()
        cache.keep(endpoints.map(Samples.endpoint), .now)
        return DeliveryBuilder(leaseSlack: .seconds(15)).build(
            deliveries, events: events, unreadable: unreadable, endpoints: cache, claimRequestedAt: .now, now: .now,
            wallClock: 1_000_000)
    }

    private static func schedule(_ waits: Duration...) -> EndpointRecord {
        var record = Samples.record(2)
        record.retrySchedule = waits
        return record
    }

    private static func timeout(_ timeout: Duration) -> EndpointRecord {
        var record = Samples.record(2)
        record.timeout = timeout
        return record
    }

    @Test(arguments: [
        (Samples.record(2, headers: ["X-Empty: "]), DeadReason.invalidHeaders),
        (Samples.record(2, headers: ["X-Tag: a", "x-tag: b"]), .invalidHeaders),
        (Samples.record(2, headers: ["Content-Length: 3"]), .invalidHeaders),
        (Samples.record(2, url: "https://a..b/"), .invalidURL), (Samples.record(2, format: "xml"), .invalidEndpoint),
        (Samples.record(2, maxAttempts: 1001), .invalidEndpoint), (schedule(), .invalidEndpoint),
        (schedule(.seconds(-1)), .invalidEndpoint), (schedule(.seconds(5), .seconds(1)), .invalidEndpoint),
        (schedule(.seconds(86_400 * 31)), .invalidEndpoint), (timeout(.zero), .invalidEndpoint),
        (timeout(.seconds(301)), .invalidEndpoint),
    ])
    func anEndpoint(_ record: EndpointRecord, _ reason: DeadReason) {
        let built = built(
            [Samples.delivery(1), Samples.delivery(2, endpoint: 2)], events: [Samples.event(1), Samples.event(2)],
            Samples.record(1), record)
        #expect(built.requests.map(\.delivery.id) == [1])
        #expect(built.settled.map(\.delivery.id) == [2])
        #expect(built.settled.map(\.outcome) == [.dead(reason)])
        #expect(built.settled.map(\.errorCode?.rawValue) == [reason.rawValue])
    }

    private static func headers(_ texts: String...) -> StoredEvent {
        var event = Samples.event(2)
        event.headers = texts
        return event
    }

    private static func event(_ change: (inout StoredEvent) -> Void) -> StoredEvent {
        var event = Samples.event(2)
        change(&event)
        return event
    }

    @Test(arguments: [
        (headers("Authorization", "Bearer x", "X-Note", ""), DeadReason.invalidHeaders),
        (headers("X-Tenant", "7", "x-tenant", "7"), .invalidHeaders),
        (headers("X-Long", String(repeating: "x", count: 4_200)), .invalidHeaders),
        (headers("X-Split", "a\r\nb: c"), .invalidHeaders), (headers("Host", "example.com"), .invalidHeaders),
        (event { $0.bodyContentType = "text/plain\r\nx: y" }, .invalidEvent),
        (event { $0.eventType = "caf\u{e9}" }, .invalidEvent), (event { $0.traceparent = "\n" }, .invalidEvent),
    ])
    func anEvent(_ event: StoredEvent, _ reason: DeadReason) {
        let built = built(
            [Samples.delivery(1), Samples.delivery(2), Samples.delivery(3, event: 2)],
            events: [Samples.event(1), event], Samples.record(1))
        #expect(built.requests.map(\.delivery.id) == [1])
        #expect(built.settled.map(\.outcome) == [.dead(reason), .dead(reason)])
        #expect(built.settled.map(\.errorCode?.rawValue) == [reason.rawValue, reason.rawValue])
    }

    @Test func anEventThatCannotBeRead() {
        let bad = Samples.delivery(2)
        let built = built(
            [Samples.delivery(1), bad], events: [Samples.event(1)],
            unreadable: [bad.eventKey: SendingObstacle(.invalidEvent, "not UTF-8")], Samples.record(1))
        #expect(built.requests.map(\.delivery.id) == [1])
        #expect(built.settled.map(\.outcome) == [.dead(.invalidEvent)])
        #expect(built.settled.map(\.error) == ["not UTF-8"])
    }

    @Test func twoEventsOfOneIdEachGoAsTheyAre() throws {
        var other = Samples.event(1, content: #"{"to":"bob"}"#)
        other.createdAt = Samples.eventAt.advanced(by: .seconds(1))
        var delivery = Samples.delivery(2, event: 1)
        delivery.eventAt = other.createdAt
        let built = built([Samples.delivery(1), delivery], events: [Samples.event(1), other], Samples.record(1))
        let bodies = built.requests.map { $0.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
        #expect(bodies.map { $0.contains("bob") } == [false, true])
    }

    @Test func theLastAttemptNumberIsNotSent() {
        let built = built(
            [Samples.delivery(1), Samples.delivery(2, attempt: .max, base: .max)],
            events: [Samples.event(1), Samples.event(2)], Samples.record(1))
        #expect(built.requests.map(\.delivery.id) == [1])
        #expect(built.settled.map(\.outcome) == [.dead(.attemptsExhausted)])
    }
}
