import Testing

@testable import Worker

@Suite struct SettlePaceTests {
    private let start = ContinuousClock.now

    /// A pace that has recorded batches of `count` every `interval`, long enough to know it.
    private func pace(_ count: Int, every interval: Duration) -> SettlePace {
        var pace = SettlePace(now: start)
        for turn in 1...20 { pace.took(count, start + interval * turn) }
        return pace
    }

    @Test func recordsAtOnceBeforeAnythingIsKnown() {
        #expect(SettlePace(now: start).wanted(held: 10_000) == 1)
    }

    @Test func recordsAtOnceWhileOutcomesComeSlowly() {
        for (count, interval) in [(1, Duration.milliseconds(10)), (3, .milliseconds(3)), (10, .milliseconds(10))] {
            // However much hangs beside them.
            #expect(pace(count, every: interval).wanted(held: 2000) == 1)
        }
    }

    @Test func waitsForWhatComesWithinTheLongestWait() {
        // 8,000 a second are 128 in 16 ms.
        #expect((126...129).contains(pace(80, every: .milliseconds(10)).wanted(held: 2000)))
    }

    @Test func waitsForNoMoreThanAFullBatch() {
        #expect(pace(500, every: .milliseconds(10)).wanted(held: 10_000) == SettlePace.fullBatch)
        #expect(SettlePace.fullBatch <= SettleQueue.batchLimit)
    }

    @Test func waitsForHalfOfWhatIsInFlightAtMost() {
        let pace = pace(500, every: .milliseconds(10))
        #expect(pace.wanted(held: 300) == 150)
        #expect(pace.wanted(held: 64) == 32)
        #expect(pace.wanted(held: 63) == 1)
        #expect(pace.wanted(held: 0) == 1)
    }

    @Test func noticesSoonThatTheyComeSlowlyAgain() {
        var pace = pace(250, every: .milliseconds(10))
        for turn in 1...8 { pace.took(1, start + .milliseconds(200 + 10 * turn)) }
        #expect(pace.wanted(held: 2000) == 1)
    }

    @Test func standsAClockThatStandsStill() {
        var pace = SettlePace(now: start)
        for _ in 1...5 { pace.took(500, start) }
        #expect(pace.wanted(held: 2000) == SettlePace.fullBatch)
    }
}
