import Courier
import Outbox
import OutboxStore
import Synchronization
import Testing

@testable import Worker

@Suite struct TokenDeskTests {
    private let taker = FakeTaker()

    private func deliveries(_ ids: ClosedRange<Int64>, auth: String) -> [OutgoingDelivery] {
        var record = Samples.record()
        record.auth = auth
        let builder = DeliveryBuilder(leaseSlack: .seconds(15))
        return builder.build(
            ids.map { Samples.delivery($0) }, events: ids.map { Samples.event($0) },
            endpoints: Samples.cache(Samples.endpoint(record)), claimRequestedAt: .now, now: .now, wallClock: 1
        ).requests
    }

    private func end(_ request: TokenRequest, _ outcome: CourierOutcome) -> [CourierResult] {
        request.end(CourierResult(request: request, startedAt: .now, outcome: outcome))
    }

    private func text(_ request: any CourierRequest) throws -> String {
        var lines = HeaderLines()
        try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        return lines.text
    }

    private static let oauth2 = "oauth2:https://token.example/t,my id,s:1,a b"

    @Test func deliveriesThatNeedNoTokenGoStraightOn() {
        TokenDesk(taker).submit(deliveries(1...3, auth: "none"))
        #expect(taker.all(OutgoingDelivery.self).count == 3 && taker.all(TokenRequest.self).isEmpty)
    }

    @Test func oneTokenIsFetchedForAllThatWait() throws {
        let desk = TokenDesk(taker)
        desk.submit(deliveries(1...50, auth: Self.oauth2))
        desk.submit(deliveries(51...60, auth: Self.oauth2))
        let request = try #require(taker.all(TokenRequest.self).first)
        #expect(taker.all(TokenRequest.self).count == 1 && taker.all(OutgoingDelivery.self).isEmpty)
        #expect(request.route.url == "https://token.example/t" && request.route.id == -1)
        // "my%20id:s%3A1", as RFC 6749 section 2.3.1 wants it.
        #expect(try text(request).contains("authorization: Basic bXklMjBpZDpzJTNBMQ==\n"))
        let body = request.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(body == "grant_type=client_credentials&scope=a%20b")
        let answer = CourierAnswer(status: 200, bodyPrefix: Array(#"{"access_token":"abc","expires_in":3600}"#.utf8))
        #expect(end(request, .answered(answer)).isEmpty)
        #expect(taker.all(OutgoingDelivery.self).count == 60)
        for delivery in taker.all(OutgoingDelivery.self) {
            #expect(try text(delivery).contains("authorization: Bearer abc\n"))
        }
        desk.submit(deliveries(61...61, auth: Self.oauth2))
        #expect(taker.all(OutgoingDelivery.self).count == 61 && taker.all(TokenRequest.self).count == 1)
        // The receiver does not take it: the next one asks for another.
        taker.all(OutgoingDelivery.self).last?.token?.refused()
        desk.submit(deliveries(62...62, auth: Self.oauth2))
        #expect(taker.all(OutgoingDelivery.self).count == 61 && taker.all(TokenRequest.self).count == 2)
    }

    @Test func withoutATokenAllThatWaitFailForThatReasonAndNoOther() throws {
        let desk = TokenDesk(taker)
        desk.submit(deliveries(1...5, auth: Self.oauth2))
        let results = end(try #require(taker.all(TokenRequest.self).first), .answered(CourierAnswer(status: 503)))
        #expect(results.count == 5 && taker.all(OutgoingDelivery.self).isEmpty)
        for result in results {
            #expect(result.outcome == .failed(.tokenFailure, detail: "the token server answered 503"))
        }
        // A stop is nobody's failure: they are given back, uncounted.
        desk.submit(deliveries(6...6, auth: Self.oauth2))
        let stopped = end(try #require(taker.all(TokenRequest.self).last), .interrupted)
        #expect(stopped.map(\.outcome) == [.notSent(.cancelled)])
    }
}
