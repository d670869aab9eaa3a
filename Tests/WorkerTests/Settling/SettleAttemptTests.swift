import Postgres
import Testing

@testable import Worker

@Suite struct SettleAttemptTests {
    private func error(_ code: PostgresError.Code) -> PostgresError { PostgresError(code, "no") }

    private func after(
        _ error: PostgresError, in attempt: inout SettleAttempt, count: Int = 3, isStripped: Bool = false,
        isLeaving: Bool = false, mustEnd: Bool = false
    ) -> SettleAttempt.Next {
        attempt.failed(error, count: count, isStripped: isStripped, isLeaving: isLeaving, mustEnd: mustEnd)
    }

    @Test func aLostConnectionLeavesTheFateUnknown() {
        var attempt = SettleAttempt()
        #expect(after(error(.connectionLost), in: &attempt) == .retry(after: .milliseconds(20), again: true))
    }

    @Test func neverHavingConnectedLeavesNoDoubtUntilOneWasSent() {
        var attempt = SettleAttempt()
        #expect(after(error(.connectFailed), in: &attempt) == .retry(after: .milliseconds(20), again: false))
        _ = after(error(.deadlineExceeded), in: &attempt)
        #expect(after(error(.connectFailed), in: &attempt) == .retry(after: .milliseconds(80), again: true))
    }

    @Test func waitsNoLongerThanASecondAndNeverGivesUp() {
        var attempt = SettleAttempt()
        for _ in 0..<40_000 { _ = after(error(.connectFailed), in: &attempt) }
        #expect(after(error(.connectFailed), in: &attempt) == .retry(after: .seconds(1), again: false))
    }

    @Test func givesUpWhenTheProcessMustEnd() {
        var attempt = SettleAttempt()
        #expect(after(error(.connectionLost), in: &attempt, mustEnd: true) == .abandon)
    }

    @Test func whatAnotherSessionHoldsIsLeftOutAtOnce() {
        var attempt = SettleAttempt()
        #expect(after(.refused("55P03"), in: &attempt) == .leaveOut(again: false))
        // What cannot be left out, such as a whole table that is locked, is waited for.
        let next = after(.refused("55P03"), in: &attempt, isLeaving: true)
        #expect(next == .retry(after: .milliseconds(40), again: false))
        var last = SettleAttempt()
        #expect(after(.refused("55P03"), in: &last, mustEnd: true) == .leaveOut(again: false))
        #expect(after(.refused("55P03"), in: &last, isLeaving: true, mustEnd: true) == .abandon)
    }

    @Test func aRowThatCannotBeRecordedIsFoundAndStripped() {
        var attempt = SettleAttempt()
        let bug = error(.unexpectedResult)
        #expect(after(bug, in: &attempt, count: 2) == .split)
        #expect(after(bug, in: &attempt, count: 1) == .strip)
        #expect(after(bug, in: &attempt, count: 1, isStripped: true) == .abandon)
    }

    @Test func aNameThatAPoolersSessionLacksOrHasIsNoRowsFault() {
        for state in ["26000", "42P05"] {
            var attempt = SettleAttempt()
            #expect(after(.refused(state), in: &attempt) == .retry(after: .milliseconds(20), again: true))
        }
    }

    @Test func anInternalErrorThatStaysIsARowsFault() {
        var attempt = SettleAttempt()
        #expect(after(.refused("XX000"), in: &attempt) == .retry(after: .milliseconds(20), again: true))
        #expect(after(.refused("XX000"), in: &attempt) == .retry(after: .milliseconds(40), again: true))
        #expect(after(.refused("XX000"), in: &attempt) == .split)
    }
}
