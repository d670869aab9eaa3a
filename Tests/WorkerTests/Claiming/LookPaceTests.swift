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

    @Test func aPauseIsAsLongAsTheLookAndNoLongerThanThat() {
        for found in [true, false] {
            var pace = LookPace(now: start)
            pace.looked(found: found, began: start, now: at(3))
            #expect(pace.next == at(3 + 3))
            pace.looked(found: found, began: at(6), now: at(56))
            #expect(pace.next == at(56 + 4))
        }
    }

    @Test func aDatabaseThatHangsDoesNotMakeItDeaf() {
        var pace = LookPace(now: start)
        pace.looked(found: false, began: start, now: at(8_000))
        #expect(pace.next <= at(8_004))
    }

    @Test func aProcessThatHasFoundNothingYetLooksLessOften() {
        var pace = LookPace(now: start)
        pace.looked(found: false, began: at(1), now: at(1))
        #expect(pace.next == at(1 + 5))
    }

    @Test func afterASilenceALookWaitsInTheDatabaseWhileThereIsNothingElseToDo() {
        var pace = LookPace(now: start)
        pace.looked(found: true, began: start, now: start)
        #expect(pace.wait(at(4_000), free: .seconds(1)) == .zero)
        #expect(pace.wait(at(4_001), free: .seconds(1)) == LookPace.longestWait)
        #expect(pace.wait(at(4_001), free: .milliseconds(60)) == .milliseconds(60))
        #expect(pace.wait(at(4_001), free: .milliseconds(40)) == .zero)
        pace.failed(at(4_001))
        #expect(pace.wait(at(8_001), free: .seconds(1)) == .zero)
        #expect(pace.wait(at(8_002), free: .seconds(1)) == LookPace.longestWait)
    }

    @Test func whatALookWaitedForIsNoCost() {
        var pace = LookPace(now: start)
        pace.looked(found: false, began: at(5_000), wait: .milliseconds(250), now: at(5_251))
        #expect(pace.next == at(5_251 + 1))
        // One that came back at once is not asked for without end.
        pace.looked(found: false, began: at(6_000), wait: .milliseconds(250), now: at(6_000))
        #expect(pace.next == at(6_040))
    }
}
