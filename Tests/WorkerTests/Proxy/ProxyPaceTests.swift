import Testing

@testable import Worker

@Suite struct ProxyPaceTests {
    private let start = ContinuousClock.now

    @Test func thePauseGrowsToItsCeilingAndASuccessEndsIt() {
        var pace = ProxyPace()
        #expect(pace.room(start) == .max && pace.pause(start) == .zero)
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<8 {
            pace.failed(now)
            pauses.append(pace.pause(now))
            #expect(pace.room(now) == 0)
            now += pace.pause(now)
            #expect(pace.room(now) == ProxyPace.room)
        }
        #expect(
            pauses == [100, 200, 400, 800, 1600, 2000, 2000, 2000].map { .milliseconds($0) })
        pace.served()
        #expect(pace.room(now) == .max)
    }

    @Test func aCrowdThatFailsAtOnceCountsOnce() {
        var pace = ProxyPace()
        for step in 0..<2_000 { pace.failed(start + .microseconds(step * 40)) }
        #expect(pace.pause(start) == ProxyPace.firstPause)
    }

    @Test func aFailureOfLongAgoIsForgotten() {
        var pace = ProxyPace()
        pace.failed(start)
        #expect(!pace.isOver(start + ProxyPace.longestRest + ProxyPace.longestPause))
        #expect(pace.isOver(start + .seconds(61)))
        #expect(!ProxyPace().isOver(start))
    }

    /// A delivery has 32,767 numbers, and each claim uses one.
    @Test func aDeliveryOutlivesAWeekWithoutTheProxy() {
        var pace = ProxyPace()
        var now = start
        var claims = 0
        while now < start + .seconds(7 * 86_400) {
            claims += 1
            pace.failed(now)
            now += max(pace.rest(now), pace.pause(now))
        }
        #expect((19_000..<25_000).contains(claims), "\(claims)")
        pace.served()
        pace.failed(now)
        #expect(pace.rest(now) == ProxyPace.shortestRest)
    }
}
