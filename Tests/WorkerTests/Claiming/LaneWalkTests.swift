import Testing

@testable import Worker

@Suite struct LaneWalkTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> LaneWalk.Instant { start + .milliseconds(milliseconds) }

    @Test func theFirstWalkGoesOnAtOnce() {
        var walk = LaneWalk(now: start)
        #expect(walk.next == start && walk.last == nil && walk.isFirst)
        walk.reached(1000, took: .milliseconds(100), now: at(100))
        #expect(walk.next == at(100) && walk.last == 1000 && walk.isFirst)
        walk.reached(2000, took: .milliseconds(100), now: at(200))
        #expect(walk.next == at(200) && walk.last == 2000)
    }

    @Test func laterWalksBeginOnceAMinuteAndTakeTheirTime() {
        var walk = LaneWalk(now: start)
        walk.reached(nil, took: .milliseconds(1), now: at(1))
        #expect(walk.next == at(60_000) && !walk.isFirst && walk.last == nil)
        walk.reached(1000, took: .milliseconds(1), now: at(60_001))
        #expect(walk.next == at(60_251) && walk.last == 1000)
        walk.reached(nil, took: .milliseconds(1), now: at(60_252))
        #expect(walk.next == at(120_000))
    }

    @Test func aWalkTakesAHundredthOfTheTimeAtMost() {
        var walk = LaneWalk(now: start)
        walk.reached(nil, took: .milliseconds(1), now: at(1))
        walk.reached(1000, took: .milliseconds(10), now: at(60_020))
        #expect(walk.next == at(61_020))
        walk.reached(2000, took: .seconds(9), now: at(70_000))
        // A slow stride, or one in which the process was stopped, is not followed by a pause in proportion.
        #expect(walk.next == at(72_000))
    }

    @Test func itBeginsAgainAtTheFirstLane() {
        var walk = LaneWalk(now: start)
        walk.reached(nil, took: .milliseconds(1), now: at(1))
        walk.reached(1000, took: .milliseconds(1), now: at(60_001))
        walk.beginAgain(at(60_100))
        #expect(walk.isFirst && walk.last == nil && walk.next == at(60_100))
    }
}
