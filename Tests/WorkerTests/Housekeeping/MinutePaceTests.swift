import Testing

@testable import Worker

@Suite struct MinutePaceTests {
    private let start = ContinuousClock.now

    @Test func saysHowFastANumberGrowsOverTheLastMinute() {
        var pace = MinutePace()
        #expect(pace.perMinute == nil)
        pace.note(1000, at: start)
        pace.note(1020, at: start + .seconds(2))
        #expect(pace.perMinute == nil)
        pace.note(1050, at: start + .seconds(5))
        #expect(pace.perMinute == 600)
        // What was long ago does not count.
        for second in 6...130 { pace.note(1050, at: start + .seconds(second)) }
        #expect(pace.perMinute == 0)
    }

    @Test func beginsAgainWithANumberThatWentDown() {
        var pace = MinutePace()
        pace.note(1000, at: start)
        pace.note(2000, at: start + .seconds(10))
        pace.note(10, at: start + .seconds(11))
        #expect(pace.perMinute == nil)
        pace.note(20, at: start + .seconds(21))
        #expect(pace.perMinute == 60)
    }
}
