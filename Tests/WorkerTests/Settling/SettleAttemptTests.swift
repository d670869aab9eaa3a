import Postgres
import Testing

@testable import Worker

@Suite struct SettleAttemptTests {
    private func error(_ code: PostgresError.Code) -> PostgresError { PostgresError(code, "no") }

    @Test func aLostConnectionLeavesTheFateUnknown() {
        var attempt = SettleAttempt()
        let next = attempt.failed(error(.connectionLost), count: 3, isStripped: false, leaseLeft: .seconds(5))
        #expect(next == .retry(after: .milliseconds(20), again: true))
    }

    @Test func neverHavingConnectedLeavesNoDoubtUntilOneWasSent() {
        var attempt = SettleAttempt()
        let first = attempt.failed(error(.connectFailed), count: 3, isStripped: false, leaseLeft: .seconds(5))
        #expect(first == .retry(after: .milliseconds(20), again: false))
        _ = attempt.failed(error(.deadlineExceeded), count: 3, isStripped: false, leaseLeft: .seconds(5))
        let third = attempt.failed(error(.connectFailed), count: 3, isStripped: false, leaseLeft: .seconds(5))
        #expect(third == .retry(after: .milliseconds(80), again: true))
    }

    @Test func waitsNoLongerThanASecond() {
        var attempt = SettleAttempt()
        var last = SettleAttempt.Next.abandon
        for _ in 0..<40 {
            last = attempt.failed(error(.connectFailed), count: 3, isStripped: false, leaseLeft: .seconds(5))
        }
        #expect(last == .retry(after: .seconds(1), again: false))
    }

    @Test func givesUpWhenTheLeaseIsOver() {
        var attempt = SettleAttempt()
        let next = attempt.failed(error(.connectionLost), count: 3, isStripped: false, leaseLeft: .zero)
        #expect(next == .abandon)
    }

    @Test func aRowThatCannotBeRecordedIsFoundAndStripped() {
        var attempt = SettleAttempt()
        let bug = error(.unexpectedResult)
        #expect(attempt.failed(bug, count: 2, isStripped: false, leaseLeft: .seconds(5)) == .split)
        #expect(attempt.failed(bug, count: 1, isStripped: false, leaseLeft: .seconds(5)) == .strip)
        #expect(attempt.failed(bug, count: 1, isStripped: true, leaseLeft: .seconds(5)) == .abandon)
    }
}
