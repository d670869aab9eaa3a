import Testing

@testable import Worker

@Suite struct LookPaceTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> LookPace.Instant { start + .milliseconds(milliseconds) }

    @Test func theFirstLookIsAtOnce() {
        #expect(LookPace(now: start).next == start)
    }

    @Test(arguments: [(0, 2), (250, 2), (251, 5), (2_000, 5), (2_001, 20), (4_000, 20), (4_001, 40), (1_000_000, 40)])
    func looksAreRarerTheLongerThereWasNothing(silence: Int, pause: Int) {
        var pace = LookPace(now: start)
        pace.looked(found: true, began: start, now: start)
        pace.looked(found: false, began: at(silence), now: at(silence))
        #expect(pace.next == at(silence + pause))
        pace.looked(found: true, began: at(silence + pause), now: at(silence + pause))
        #expect(pace.next == at(silence + pause + 2))
    }

    @Test func aLookThatReadMuchIsFollowedByALongerPause() {
        var pace = LookPace(now: start)
        pace.looked(found: true, began: start, now: at(20))
        #expect(pace.next == at(20 + 60))
    }

    @Test func aDatabaseThatHangsDoesNotMakeItDeaf() {
        var pace = LookPace(now: start)
        pace.looked(found: true, began: start, now: at(8_000))
        #expect(pace.next == at(8_500))
    }
}
