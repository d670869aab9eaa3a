import OutboxStore
import Postgres
import Testing

@testable import Worker

@Suite struct ScheduleTests {
    private let start = PostgresTimestamp(rawValue: 800_000_000_000_000)

    private func at(_ milliseconds: Int) -> PostgresTimestamp { start.advanced(by: .milliseconds(milliseconds)) }

    private func found(_ lane: Int32, _ dueAt: Int = 0, count: Int = 1, hasChanged: Bool = false) -> FoundLane {
        FoundLane(endpoint: lane, dueAt: at(dueAt), count: count, hasChanged: hasChanged)
    }

    private func report(
        _ lane: Int32, _ state: LaneReport.State, from: PostgresTimestamp = .infinity,
        nextAt: PostgresTimestamp = .infinity
    ) -> LaneReport {
        LaneReport(endpoint: lane, state: state, from: from, nextAt: nextAt)
    }

    private func next(_ schedule: inout Schedule, _ milliseconds: Int, free: Int = .max) -> ClaimPlan? {
        schedule.nextClaim(now: at(milliseconds), freePermits: free, freeBytes: 64 << 20)
    }

    private func wake(_ schedule: Schedule, _ milliseconds: Int) -> PostgresTimestamp? {
        schedule.nextWake(now: at(milliseconds), freePermits: .max, freeBytes: 64 << 20)
    }

    private func schedule(permits: Int = 512, remembered: Int = 1_000) -> Schedule {
        Schedule(permits: permits, bytes: 64 << 20, rememberedLanes: remembered)
    }

    /// A lane that was told and claimed with this report, which brought `rows`.
    private func claimed(_ state: LaneReport.State, from: Int = 0, nextAt: PostgresTimestamp, rows: Int = 0) -> Schedule
    {
        var schedule = schedule()
        schedule.noticed([found(1)], now: at(0))
        guard let plan = next(&schedule, 0) else {
            Issue.record("nothing to claim")
            return schedule
        }
        schedule.claimed(
            plan, taken: rows > 0 ? [LaneCount(endpoint: 1, count: rows, bytes: rows)] : [],
            reports: [report(1, state, from: at(from), nextAt: nextAt)], now: at(2))
        return schedule
    }

    /// Claims one row of a lane and answers it.
    private func answer(
        _ schedule: inout Schedule, _ lane: Int32, _ answer: Schedule.Answer, _ milliseconds: Int, took: Int = 5
    ) {
        schedule.noticed([found(lane, milliseconds)], now: at(milliseconds))
        guard let plan = next(&schedule, milliseconds), plan.lanes.map(\.endpoint) == [lane] else {
            Issue.record("lane \(lane) is not claimed alone")
            return
        }
        let one = LaneCount(endpoint: lane, count: 1, bytes: 100)
        schedule.claimed(plan, taken: [one], reports: [report(lane, .empty)], now: at(milliseconds))
        schedule.answered(lane, answer, took: .milliseconds(took), now: at(milliseconds))
        schedule.settled([one], now: at(milliseconds))
    }

    // MARK: Work

    @Test func whatALookTellsIsClaimedAtOnceFromThere() {
        var schedule = schedule()
        #expect(next(&schedule, 0) == nil)
        #expect(wake(schedule, 0) == nil)
        schedule.noticed([found(1, -20), found(1, -30)], now: at(0))
        #expect(wake(schedule, 0) == at(0))
        #expect(schedule.oldestDue == at(-30))
        let plan = next(&schedule, 0)
        #expect(plan?.lanes == [ClaimPlan.Lane(endpoint: 1, from: at(-30), room: 2, isNew: true, isLively: false)])
        #expect(plan?.budget == 2)
        #expect(schedule.oldestDue == nil)
    }

    @Test func whatIsDueLaterIsClaimedThen() {
        var schedule = schedule()
        schedule.noticed([found(1, 500), found(1, 300), found(1, 400)], now: at(0))
        #expect(next(&schedule, 299) == nil)
        #expect(wake(schedule, 299) == at(300))
        #expect(next(&schedule, 300)?.lanes.first?.from == at(300))
    }

    @Test func anEmptyLaneIsForgottenAndNewsBringsItBack() {
        var schedule = claimed(.empty, nextAt: .infinity)
        #expect(wake(schedule, 2) == nil)
        #expect(next(&schedule, 10_000) == nil)
        schedule.noticed([found(1, 10_000)], now: at(10_000))
        #expect(next(&schedule, 10_000)?.lanes.first?.from == at(10_000))
    }

    @Test(arguments: [LaneReport.State.empty, .limited, .full, .closed])
    func eachReportWithATimeWaitsForIt(state: LaneReport.State) {
        var schedule = claimed(state, from: -7, nextAt: at(45))
        #expect(next(&schedule, 44) == nil)
        #expect(wake(schedule, 44) == at(45))
        #expect(next(&schedule, 45)?.lanes.first?.from == at(-7))
    }

    @Test(arguments: [LaneReport.State.limited, .full, .closed])
    func newRowsDoNotHelpALaneThatMayNotBeClaimed(state: LaneReport.State) {
        var schedule = claimed(state, nextAt: at(45))
        schedule.noticed([found(1, -50)], now: at(10))
        #expect(next(&schedule, 44) == nil)
        #expect(next(&schedule, 45)?.lanes.first?.from == at(-50))
    }

    @Test(arguments: [LaneReport.State.limited, .full, .closed])
    func changedSettingsEndTheWait(state: LaneReport.State) {
        var schedule = claimed(state, from: -9, nextAt: .infinity)
        #expect(next(&schedule, 9) == nil)
        schedule.noticed([FoundLane(endpoint: 1, dueAt: .infinity, count: 0, hasChanged: true)], now: at(10))
        #expect(next(&schedule, 10)?.lanes.first?.from == at(-9))
    }

    @Test("takes a good deal of few lanes in a claim where a hundred have a backlog, and of each as much in the end")
    func aHundredBacklogs() {
        var schedule = schedule()
        let lanes = Array(Int32(1)...100)
        var served: [Int32: Int] = [:]
        var named = 0
        schedule.noticed(lanes.map { found($0, -1_000, count: Schedule.manyRows) }, now: at(0))
        for round in 1...400 {
            let now = round * 10
            guard let plan = schedule.nextClaim(now: at(now), freePermits: .max, freeBytes: 64 << 20, atMost: 256)
            else {
                Issue.record("nothing to claim in round \(round)")
                return
            }
            let taken = plan.lanes.map { LaneCount(endpoint: $0.endpoint, count: $0.room, bytes: $0.room) }
            schedule.claimed(
                plan, taken: taken, reports: plan.lanes.map { report($0.endpoint, .more, from: at(-1_000)) },
                now: at(now))
            for lane in taken {
                for _ in 1...lane.count {
                    schedule.answered(lane.endpoint, .delivered, took: .milliseconds(2), now: at(now))
                }
                // The windows grow first.
                if round > 200 { served[lane.endpoint, default: 0] += lane.count }
            }
            schedule.settled(taken, now: at(now))
            named = plan.lanes.count
        }
        #expect(named <= 256 / Schedule.backlogPortion + 1, "\(named) lanes in the last claim")
        let shares = lanes.map { served[$0, default: 0] }
        #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 2 * Schedule.backlogPortion, "\(shares)")
    }

    @Test func aLaneThatIsNotKnownAndOpensIsReadFromTheBeginning() {
        var schedule = schedule()
        schedule.noticed([FoundLane(endpoint: 1, dueAt: .infinity, count: 0, hasChanged: true)], now: at(10))
        #expect(next(&schedule, 10)?.lanes.first?.from == .negativeInfinity)
    }

    @Test func aFullLaneGoesOnWhenSomethingIsSettled() {
        var schedule = claimed(.full, nextAt: at(30_000), rows: 1)
        schedule.answered(1, .delivered, took: .milliseconds(5), now: at(3))
        #expect(next(&schedule, 20) == nil)
        schedule.settled([LaneCount(endpoint: 1, count: 1, bytes: 1)], now: at(21))
        #expect(next(&schedule, 21) != nil)
    }

    @Test func aSettleDuringTheClaimThatFoundALaneFullCounts() throws {
        var schedule = claimed(.more, nextAt: .infinity, rows: 1)
        schedule.answered(1, .delivered, took: .milliseconds(5), now: at(3))
        let plan = try #require(next(&schedule, 10))
        schedule.settled([LaneCount(endpoint: 1, count: 1, bytes: 1)], now: at(11))
        schedule.claimed(plan, taken: [], reports: [report(1, .full, from: at(0), nextAt: at(30_000))], now: at(12))
        #expect(next(&schedule, 20) != nil)
    }

    @Test func aBusyLaneIsAskedAgainLessAndLessOften() {
        var schedule = schedule()
        schedule.noticed([found(1)], now: at(0))
        var claims: [Int] = []
        for time in 0..<100 {
            guard let plan = next(&schedule, time) else { continue }
            claims.append(time)
            schedule.claimed(plan, taken: [], reports: [report(1, .busy)], now: at(time))
        }
        #expect(claims == [0, 2, 6, 14, 30, 50, 70, 90])
    }

    /// What other workers hold of a lane may end without news.
    @Test func aFullLaneIsAskedAgainLessAndLessOften() {
        var schedule = schedule()
        schedule.noticed([found(1)], now: at(0))
        var claims: [Int] = []
        for time in 0..<4_000 {
            guard let plan = next(&schedule, time) else { continue }
            claims.append(time)
            // The lane has room at last, and then it is full again.
            let rows = time == 2_550 ? [LaneCount(endpoint: 1, count: 1, bytes: 1)] : []
            schedule.claimed(
                plan, taken: rows, reports: [report(1, .full, from: at(0), nextAt: at(30_000))], now: at(time))
        }
        #expect(claims == [0, 50, 150, 350, 750, 1_550, 2_550, 2_600, 2_700, 2_900, 3_300])
    }

    @Test func aFullLaneOfWhichDeliveriesEndIsAskedAgainSoon() {
        var schedule = schedule()
        schedule.noticed([found(1)], now: at(0))
        var claims: [Int] = []
        for time in 0..<1_000 {
            guard let plan = next(&schedule, time) else { continue }
            claims.append(time)
            // The first row is another one every 300 ms.
            let first = time - time % 300
            schedule.claimed(
                plan, taken: [], reports: [report(1, .full, from: at(first), nextAt: at(30_000))], now: at(time))
        }
        #expect(claims == [0, 50, 150, 350, 400, 500, 700, 750, 850])
    }

    @Test func whatComesWhileAClaimIsOnItsWayIsNotErased() throws {
        var schedule = schedule()
        schedule.noticed([found(1)], now: at(0))
        let plan = try #require(next(&schedule, 0))
        schedule.noticed([found(1, -3)], now: at(1))
        schedule.claimed(plan, taken: [], reports: [report(1, .empty)], now: at(2))
        #expect(next(&schedule, 2)?.lanes.first?.from == at(-3))
    }

    @Test func aFailedClaimIsRepeatedAndLookedAtAgainWhenItsLeasesEnd() throws {
        var schedule = schedule()
        schedule.noticed([found(1, -5)], now: at(0))
        let failed = try #require(next(&schedule, 0))
        schedule.claimFailed(failed, recheckAt: at(30_000), now: at(1))
        let again = try #require(next(&schedule, 10))
        #expect(again.lanes == failed.lanes)
        schedule.claimed(again, taken: [], reports: [report(1, .empty)], now: at(11))
        #expect(next(&schedule, 29_999) == nil)
        #expect(wake(schedule, 29_999) == at(30_000))
        #expect(next(&schedule, 30_000)?.lanes.first?.from == at(-5))
    }

    @Test func whatCouldNotBeRecordedIsLookedAtAgainFromWhereItStands() {
        var schedule = claimed(.empty, nextAt: .infinity, rows: 1)
        schedule.leaseWillEnd(1, at: at(30_000))
        schedule.settled([LaneCount(endpoint: 1, count: 1, bytes: 1)], now: at(100))
        #expect(next(&schedule, 29_999) == nil)
        #expect(next(&schedule, 30_000)?.lanes.first?.from == at(0))
    }

    @Test func aWalkCountsWhatWasNotKnown() {
        var schedule = schedule()
        schedule.noticed([found(1), found(2, 500), found(3, 500)], now: at(0))
        let walked = [(Int32(1), 0), (2, 600), (3, 400), (4, 0), (5, 700)].map {
            WalkedLane(endpoint: $0.0, from: at($0.1), nextAt: at($0.1))
        }
        #expect(schedule.walked(walked, now: at(10)) == 3)
        #expect(schedule.walked(walked, now: at(10)) == 0)
        #expect(next(&schedule, 10)?.lanes.map(\.endpoint).sorted() == [1, 4])
    }

    // MARK: Clocks

    @Test(arguments: [-3_600_000, 3_600_000])
    func aClockThatIsSetMakesNoRestLonger(milliseconds: Int) {
        var schedule = claimed(.busy, nextAt: .infinity)
        #expect(next(&schedule, 3 + milliseconds) == nil || milliseconds > 0)
        #expect(next(&schedule, 6 + milliseconds) != nil)
    }

    @Test func aClockThatIsSetAheadMakesNoLaneSilent() {
        var schedule = claimed(.empty, nextAt: .infinity, rows: 1)
        schedule.advance(at(3_600_000))
        #expect(schedule.books.suspect.held == 0)
        for time in 1...3 { schedule.advance(at(3_600_000 + time * 400)) }
        #expect(schedule.books.suspect.held == 1)
    }

    /// The worker takes its clock for later than the database's is, and so claims a little early.
    @Test func aClaimThatCameTooEarlyIsNotRepeatedAtOnce() {
        var schedule = claimed(.empty, nextAt: at(0))
        #expect(next(&schedule, 3) == nil)
        #expect(wake(schedule, 3) == at(4))
        #expect(next(&schedule, 4) != nil)
    }

    // MARK: Standing

    @Test func theWindowGrowsWithEachSuccessAndEndsWithAFailure() {
        var schedule = schedule()
        for round in 0..<5 { answer(&schedule, 1, .delivered, round * 10) }
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].window } == 6)
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].standing } == .proven)
        answer(&schedule, 1, .delivered, 60, took: 1_500)
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].window } == 7)
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].standing } == .suspect)
        answer(&schedule, 1, .none, 70)
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].window } == 7)
        answer(&schedule, 1, .failed, 80)
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].window } == 1)
        for round in 0..<1_000 { answer(&schedule, 1, .delivered, 100 + round * 10) }
        #expect(schedule.slot(of: 1).map { schedule.lanes[$0].window } == 341)
    }

    /// All hang: they hold what is not reserved, and after a second no further one of them is served.
    @Test func suspectsHoldAQuarter() throws {
        var schedule = schedule(permits: 64)
        for lane in Int32(1)...30 {
            schedule.noticed([found(lane)], now: at(0))
            let plan = try #require(next(&schedule, 0))
            let taken = plan.lanes.map { LaneCount(endpoint: $0.endpoint, count: 1, bytes: 10) }
            schedule.claimed(
                plan, taken: taken, reports: plan.lanes.map { report($0.endpoint, .empty) }, now: at(0))
        }
        schedule.noticed((Int32(1)...30).map { found($0, count: 100) }, now: at(0))
        for time in [400, 800, 1_200] { schedule.advance(at(time)) }
        #expect(schedule.books.suspect.held == 30)
        for lane in Int32(1)...15 {
            schedule.answered(lane, .failed, took: .seconds(1), now: at(1_200))
            schedule.settled([LaneCount(endpoint: lane, count: 1, bytes: 10)], now: at(1_200))
        }
        // Fifteen hang still, and sixteen is a quarter.
        #expect(next(&schedule, 1_200)?.budget == 1)
    }

    @Test func freePermitsAreDealtByWants() throws {
        var schedule = schedule()
        for round in 0..<400 {
            answer(&schedule, 1, .delivered, round * 10)
            answer(&schedule, 2, .delivered, round * 10 + 5)
        }
        schedule.noticed([found(1, 5_000, count: 64), found(2, 5_000)], now: at(5_000))
        let plan = try #require(next(&schedule, 5_000))
        #expect(plan.lanes.first { $0.endpoint == 2 }?.room == 1)
        #expect(plan.lanes.first { $0.endpoint == 1 }?.room == 341)
    }

    /// While a lane has a backlog, claims wait until they are worth it. A lane that comes new does not wait for that.
    @Test func onlyABacklogIsPaced() throws {
        var schedule = schedule()
        for round in 0..<400 { answer(&schedule, 1, .delivered, round * 10) }
        schedule.noticed([found(1, 5_000, count: 64)], now: at(5_000))
        let plan = try #require(next(&schedule, 5_000))
        let taken = LaneCount(endpoint: 1, count: 341, bytes: 341)
        schedule.claimed(plan, taken: [taken], reports: [report(1, .more, from: at(5_000))], now: at(5_000))
        schedule.settled([LaneCount(endpoint: 1, count: 10, bytes: 10)], now: at(5_001))
        #expect(next(&schedule, 5_001) == nil)
        #expect(wake(schedule, 5_001) == at(5_005))
        var other = schedule
        other.noticed([found(2, 5_001)], now: at(5_001))
        #expect(next(&other, 5_001)?.lanes.map(\.endpoint).contains(2) == true)
        schedule.settled([LaneCount(endpoint: 1, count: 90, bytes: 90)], now: at(5_002))
        #expect(next(&schedule, 5_002)?.budget == 100)
    }

    // MARK: Memory

    @Test func idleLanesAreForgottenOldestFirstAndOthersStay() {
        var schedule = schedule(remembered: 10)
        answer(&schedule, 1, .delivered, 0)
        schedule.noticed([found(2, 60_000)], now: at(1))
        for lane in Int32(3)...20 { answer(&schedule, lane, .delivered, Int(lane) * 10) }
        #expect((Int32(1)...20).count { schedule.slot(of: $0) != nil } == 10)
        #expect(schedule.slot(of: 1) == nil)
        #expect(schedule.slot(of: 2) != nil)
        #expect(schedule.slot(of: 20) != nil)
        schedule.forgetAll()
        #expect(schedule.recounted([:], bytesOfRow: { _ in 0 }) == [])
    }

    /// A lane that has never answered may hold many when it is alone: two thirds of what suspects may hold. With others like it, they
    /// share that.
    @Test func lanesThatHaveNotAnsweredShareThePartOfSuspects() throws {
        var schedule = schedule(permits: 2_048)
        schedule.noticed([found(1, count: 1_000)], now: at(0))
        var plan = try #require(next(&schedule, 0))
        #expect(plan.lanes.map(\.room) == [342])
        schedule.claimed(
            plan, taken: [LaneCount(endpoint: 1, count: 342, bytes: 10)], reports: [report(1, .more, from: at(0))],
            now: at(0))
        schedule.noticed((Int32(2)...1_000).map { found($0, count: 1_000) }, now: at(1))
        var held = 342
        for turn in 0..<30 {
            guard let next = next(&schedule, 10 + turn * 10) else { break }
            plan = next
            held += plan.budget
            schedule.claimed(
                plan, taken: plan.lanes.map { LaneCount(endpoint: $0.endpoint, count: $0.room, bytes: 10) },
                reports: plan.lanes.map { report($0.endpoint, .more, from: at(0)) }, now: at(10 + turn * 10))
        }
        // One for each of the thousand, and together a quarter more.
        #expect(held <= 1_000 + 512)
        #expect(held >= 1_000 + 342 - 1)
    }
}
