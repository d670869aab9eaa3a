import Outbox
import Testing

@testable import Courier
@testable import OutboxStore
@testable import Worker

@Suite struct OutcomeReaderTests {
    private func read(
        _ outcome: CourierOutcome, attempt: Int16 = 1, expiresIn: Duration? = nil
    ) throws -> OutcomeReader.Reading {
        let endpoint = Samples.endpoint()
        let settings = try endpoint.settings.get()
        let now = ContinuousClock.now
        let outgoing = OutgoingDelivery(
            Samples.delivery(attempt: attempt), to: endpoint, settings: settings, event: EventHeaders(Samples.event()),
            body: RequestBody([]), mustStartBefore: now, expiresAt: expiresIn.map { now + $0 })
        let result = CourierResult(
            request: outgoing, startedAt: 5, outcome: outcome, remoteAddress: .v4(0x7f00_0001),
            timings: CourierTimings())
        return OutcomeReader().read(result, of: outgoing, now: now, wallClock: 1_000_000, random: 0.5)
    }

    @Test func aTwoHundredIsDelivered() throws {
        let reading = try read(.answered(CourierAnswer(status: 204)))
        #expect(reading.settlement.outcome == .delivered)
        #expect(reading.settlement.httpStatus == 204)
        #expect(reading.settlement.errorCode == nil)
        #expect(reading.settlement.remoteAddress == "127.0.0.1")
        #expect(reading.settlement.url == 7)
    }

    @Test func aFailureIsTriedAgainAfterTheSchedule() throws {
        let first = try read(.answered(CourierAnswer(status: 500, bodyPrefix: Array("no".utf8))))
        #expect(first.settlement.outcome == .retry)
        #expect(first.settlement.delay == .seconds(1))
        #expect(first.settlement.responseBody == "no")
        #expect(first.settlement.error == "the endpoint answered 500")
        #expect(try read(.failed(.timeout, detail: "slow"), attempt: 2).settlement.delay == .seconds(2))
    }

    @Test func theLastFailureIsDead() throws {
        let reading = try read(.failed(.connectionRefused, detail: "refused"), attempt: 3)
        #expect(reading.settlement.outcome == .dead)
        #expect(reading.settlement.reason == "attempts_exhausted")
        #expect(reading.settlement.errorCode == "connection_refused")
    }

    @Test func goneClosesTheEndpoint() throws {
        #expect(try read(.answered(CourierAnswer(status: 410))).settlement.outcome == .gone)
    }

    @Test func anEventThatWouldExpireFirstIsDueWhenItDoes() throws {
        let reading = try read(.answered(CourierAnswer(status: 500)), expiresIn: .milliseconds(300))
        #expect(reading.settlement.outcome == .retry)
        #expect(reading.settlement.delay == .milliseconds(300))
    }

    @Test func whatWasNotSentIsGivenBackUncounted() throws {
        #expect(try read(.notSent(.cancelled)).settlement.outcome == .released)
        #expect(try read(.notSent(.tooLate)).settlement.outcome == .released)
    }

    @Test func whatMayHaveArrivedCountsAndIsDueAtOnce() throws {
        let reading = try read(.interrupted)
        #expect(reading.settlement.outcome == .retry)
        #expect(reading.settlement.delay == .zero)
    }

    @Test func statusesThatHttpDoesNotKnowAreNotStored() throws {
        #expect(try read(.answered(CourierAnswer(status: 1000))).settlement.httpStatus == nil)
        #expect(try read(.answered(CourierAnswer(status: -200))).settlement.outcome == .retry)
    }

    @Test func bytesFromOutsideBecomeTextThatTheDatabaseTakes() {
        #expect(StorableText.text([0x61, 0x00, 0xff, 0x62]) == "a\u{FFFD}\u{FFFD}b")
        #expect(StorableText.text(Array("é".utf8)) == "é")
    }
}
