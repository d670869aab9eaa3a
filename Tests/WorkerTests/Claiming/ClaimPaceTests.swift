import Testing

@testable import OutboxStore
@testable import Worker

@Suite struct ClaimPaceTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ClaimPace.Instant { start + .milliseconds(milliseconds) }

    private func row(_ endpoint: Int32, _ dueIn: Duration = .zero) -> DiscoverLanes.Row {
        DiscoverLanes.Row(endpoint: endpoint, dueIn: dueIn)
    }

    /// A pace that has looked at an empty database and heard the doorbell once.
    private func quiet() -> ClaimPace {
        var pace = ClaimPace(now: start)
        pace.heard(5, start)
        pace.discovered([], began: start, now: start)
        return pace
    }

    @Test func looksAtEverythingFirst() {
        let pace = ClaimPace(now: start)
        #expect(pace.isBellDue(start))
        #expect(pace.isLookDue(start))
        #expect(pace.isUnhinted(start))
        #expect(!pace.isClaimDue(start, free: 10, limit: 10))
    }

    @Test func whatWasFoundBeforeTheHintsIsClaimedThere() {
        var pace = ClaimPace(now: start)
        #expect(pace.isUnhinted(start))
        pace.discovered([row(1)], began: start, now: at(1))
        #expect(!pace.isUnhinted(at(2)))
        #expect(pace.claimsUnhinted)
        pace.claimed(5, wanted: 5, at(2))
        #expect(pace.claimsUnhinted)
        pace.claimed(3, wanted: 5, at(3))
        #expect(!pace.claimsUnhinted)
        pace.discovered([row(1)], began: at(1000), now: at(1001))
        #expect(!pace.claimsUnhinted)
        pace.discovered([row(1)], began: at(2500), now: at(2501))
        #expect(pace.claimsUnhinted)
    }

    @Test func aRingMakesItLookSoonAndAgainBecauseInsertsRingBeforeTheyCommit() {
        var pace = quiet()
        pace.discovered([], began: at(3000), now: at(3000))
        #expect(!pace.isLookDue(at(3500)))
        pace.heard(6, at(3500))
        #expect(pace.isLookDue(at(3500)))
        var looks: [Int] = []
        for time in 3500..<4400 where pace.isLookDue(at(time)) {
            looks.append(time - 3500)
            pace.discovered([], began: at(time), now: at(time))
        }
        #expect(looks == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511])
    }

    /// Small claims have the lanes looked at every millisecond. Doubling the wait each time was once more than a number
    /// can hold, and ended the worker.
    @Test func manyLooksAfterARingAreNoTrouble() {
        var pace = quiet()
        pace.heard(6, at(1))
        for time in 1..<1000 {
            pace.lookSoon(at(time))
            pace.discovered([row(1)], began: at(time), now: at(time))
        }
        #expect(!pace.isLookDue(at(1000)))
        #expect(pace.isLookDue(at(2000)))
    }

    @Test func withoutRingsItLooksEverySecond() {
        var pace = quiet()
        pace.discovered([], began: at(3000), now: at(3000))
        #expect(!pace.isLookDue(at(3999)))
        #expect(pace.isLookDue(at(4000)))
    }

    @Test func looksWhenTheNextDeliveryIsDue() {
        var pace = quiet()
        pace.discovered([row(1, .milliseconds(300))], began: at(3000), now: at(3000))
        #expect(pace.lanes.isEmpty)
        #expect(!pace.isLookDue(at(3299)))
        #expect(pace.isLookDue(at(3300)))
    }

    @Test func aLookThatTookLongIsNotRepeatedAtOnce() {
        var pace = quiet()
        pace.discovered([], began: at(3000), now: at(3020))
        pace.heard(6, at(3021))
        #expect(!pace.isLookDue(at(3200)))
        #expect(pace.isLookDue(at(3220)))
    }

    @Test func theDoorbellIsReadLessOftenWhenIdle() {
        var pace = quiet()
        pace.heard(6, at(10))
        var pauses: [Int] = []
        for time in [10, 1000, 3000, 60_000] {
            pace.heard(6, at(time))
            pauses.append((1...100).first { pace.isBellDue(at(time + $0)) } ?? 0)
        }
        #expect(pauses == [2, 5, 25, 50])
    }

    @Test func everyTurnBeginsWithTheNextLane() {
        var pace = quiet()
        pace.discovered([row(1), row(2), row(3)], began: at(1), now: at(1))
        #expect(pace.ring() == [1, 2, 3])
        pace.claimed(5, wanted: 5, at(2))
        #expect(pace.ring() == [2, 3, 1])
        pace.claimed(5, wanted: 5, at(3))
        #expect(pace.ring() == [3, 1, 2])
    }

    @Test func claimsThatGetNothingAreRepeatedMoreSlowlyUntilSomethingIsSettled() {
        var pace = quiet()
        pace.discovered([row(1)], began: at(1), now: at(1))
        var waits: [Int] = []
        var time = 1
        for _ in 0..<7 {
            pace.claimed(0, wanted: 5, at(time))
            let began = time
            while !pace.isClaimDue(at(time), free: 10, limit: 10) { time += 1 }
            waits.append(time - began)
        }
        #expect(waits == [2, 4, 8, 16, 20, 20, 20])
        pace.claimed(0, wanted: 5, at(time))
        pace.settled(at(time))
        #expect(pace.isClaimDue(at(time + 1), free: 10, limit: 10))
    }

    @Test func waitsAMomentForMorePermitsWhenFewAreFree() {
        var pace = quiet()
        pace.discovered([row(1)], began: at(1), now: at(1))
        pace.claimed(5, wanted: 5, at(2))
        #expect(pace.isClaimDue(at(2), free: 100, limit: 512))
        #expect(!pace.isClaimDue(at(2), free: 3, limit: 512))
        #expect(pace.isClaimDue(at(3), free: 3, limit: 512))
        #expect(!pace.isClaimDue(at(3), free: 0, limit: 512))
    }

    @Test func theWaitEndsWhenTheFirstThingIsDue() {
        var pace = quiet()
        pace.heard(5, at(30_000))
        pace.discovered([], began: at(30_000), now: at(30_000))
        #expect(pace.pause(at(30_000), hasRoom: true) == ClaimPace.idleBellPause)
        #expect(pace.pause(at(30_000), hasRoom: false) == ClaimPace.longestPause)
    }
}
