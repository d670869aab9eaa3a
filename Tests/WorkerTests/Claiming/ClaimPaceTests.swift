import Testing

@testable import Worker

@Suite struct ClaimPaceTests {
    @Test func claimsThatTakeTooLongBecomeSmallerAndQuickOnesLarger() {
        var pace = ClaimPace()
        let start = pace.work
        pace.took(ClaimPace.longest + .milliseconds(1), work: start)
        let less = pace.work
        #expect(less < start)
        pace.took(.milliseconds(2), work: less)
        #expect(pace.work > less)
    }

    @Test func thereIsALeastAndAMost() {
        var pace = ClaimPace()
        for _ in 0..<100 { pace.took(.seconds(9), work: pace.work) }
        #expect(pace.work == ClaimPace.least)
        for _ in 0..<100 { pace.took(.zero, work: pace.work) }
        #expect(pace.work == ClaimPace.most)
    }

    /// A small claim that waits for the disk does not make large ones smaller, and one that is quick does not make them larger.
    @Test(arguments: [Duration.zero, .seconds(1)])
    func smallClaimsSayNothing(took: Duration) {
        var pace = ClaimPace()
        pace.took(took, work: pace.work / 2)
        #expect(pace.work == ClaimPace().work)
    }

    /// As measured: three milliseconds and a fiftieth for each unit. It settles where a claim takes as long as it may.
    @Test func itSettlesAtTheTime() {
        var pace = ClaimPace()
        var longest = Duration.zero
        for turn in 0..<200 {
            let work = pace.work
            let took = Duration.microseconds(3_000 + 20 * work)
            pace.took(took, work: work)
            if turn > 20 { longest = max(longest, took) }
        }
        #expect(longest <= ClaimPace.longest + .milliseconds(1))
        #expect(pace.work >= 250)
    }
}
