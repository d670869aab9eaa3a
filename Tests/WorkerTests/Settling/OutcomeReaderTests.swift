import Outbox
import Testing

@testable import Courier
@testable import OutboxStore
@testable import Worker

@Suite struct OutcomeReaderTests {
    private func read(
        _ outcome: CourierOutcome, attempt: Int16 = 1, expiresIn: Duration? = nil
    ) throws -> Settlement {
        let endpoint = Samples.endpoint()
        let settings = try endpoint.settings.get()
        let now = ContinuousClock.now
        let outgoing = OutgoingDelivery(
            Samples.delivery(attempt: attempt), to: endpoint, settings: settings,
            event: try EventHeaders(Samples.event()),
            body: RequestBody([]), mustStartBefore: now, expiresAt: expiresIn.map { now + $0 })
        let result = CourierResult(
            request: outgoing, startedAt: now, outcome: outcome, remoteAddress: .v4(0x7f00_0001),
            timings: CourierTimings())
        var texts = AddressText()
        return OutcomeReader().read(result, of: outgoing, now: now, wallClock: 1_000_000, random: 0.5, texts: &texts)
    }

    @Test func aTwoHundredIsDelivered() throws {
        let settlement = try read(.answered(CourierAnswer(status: 204)))
        #expect(settlement.outcome == .delivered)
        #expect(settlement.httpStatus == 204)
        #expect(settlement.errorCode == nil)
        #expect(settlement.remoteAddress == "127.0.0.1")
        #expect(settlement.url == 7)
    }

    @Test func aFailureIsTriedAgainAfterTheSchedule() throws {
        let settlement = try read(.answered(CourierAnswer(status: 500, bodyPrefix: Array("no".utf8))))
        #expect(settlement.outcome == .retry(after: .seconds(1)))
        #expect(settlement.responseBody == "no")
        #expect(settlement.error == "the endpoint answered 500")
        #expect(try read(.failed(.timeout, detail: "slow"), attempt: 2).outcome == .retry(after: .seconds(2)))
    }

    @Test func theLastFailureIsDead() throws {
        let settlement = try read(.failed(.connectionRefused, detail: "refused"), attempt: 3)
        #expect(settlement.outcome == .dead(.attemptsExhausted))
        #expect(settlement.errorCode == .connectionRefused)
    }

    @Test func goneClosesTheEndpoint() throws {
        #expect(try read(.answered(CourierAnswer(status: 410))).outcome == .gone)
    }

    @Test func anEventThatWouldExpireFirstIsDueWhenItDoes() throws {
        let settlement = try read(.answered(CourierAnswer(status: 500)), expiresIn: .milliseconds(300))
        #expect(settlement.outcome == .retry(after: .milliseconds(300)))
    }

    @Test func whatWasNotSentIsGivenBackUncounted() throws {
        #expect(try read(.notSent(.cancelled)).outcome == .released)
        #expect(try read(.notSent(.tooLate)).outcome == .released)
    }

    @Test func whatMayHaveArrivedCountsAndIsDueAtOnce() throws {
        let settlement = try read(.interrupted)
        #expect(settlement.outcome == .retry(after: .zero))
    }

    @Test func statusesThatHttpDoesNotKnowAreNotStored() throws {
        #expect(try read(.answered(CourierAnswer(status: 1000))).httpStatus == nil)
        #expect(try read(.answered(CourierAnswer(status: -200))).outcome == .retry(after: .seconds(1)))
    }

    @Test func bytesFromOutsideBecomeTextThatTheDatabaseTakes() {
        #expect(StorableText.text([0x61, 0x00, 0xff, 0x62]) == "a\u{FFFD}\u{FFFD}b")
        #expect(StorableText.text(Array("é".utf8)) == "é")
    }
}
