import OutboxStore
import Postgres
import Testing

@testable import Worker

@Suite struct ScheduleTotalTests {
    private let start = PostgresTimestamp(rawValue: 800_000_000_000_000)

    private func at(_ milliseconds: Int) -> PostgresTimestamp { start.advanced(by: .milliseconds(milliseconds)) }

    /// Claims all that may be claimed of lane 1, where more is left each time. Returns how much that was.
    private func claim(_ schedule: inout Schedule, _ milliseconds: Int) -> Int {
        guard let plan = schedule.nextClaim(now: at(milliseconds), freePermits: .max, freeBytes: 64 << 20) else {
            return 0
        }
        schedule.claimed(
            plan, taken: [LaneCount(endpoint: 1, count: plan.budget, bytes: plan.budget)],
            reports: [LaneReport(endpoint: 1, state: .more, from: start, nextAt: at(milliseconds))],
            now: at(milliseconds))
        return plan.budget
    }

    private func answer(
        _ schedule: inout Schedule, _ count: Int, _ milliseconds: Int, _ answer: Schedule.Answer = .delivered
    ) {
        for _ in 0..<count { schedule.answered(1, answer, took: .milliseconds(5), now: at(milliseconds)) }
    }

    private func settle(_ schedule: inout Schedule, _ count: Int, _ milliseconds: Int) {
        schedule.settled([LaneCount(endpoint: 1, count: count, bytes: count)], now: at(milliseconds))
    }

    /// One lane that has been quick for long and has a backlog.
    private func proven(permits: Int) -> Schedule {
        var schedule = Schedule(permits: permits, bytes: 64 << 20)
        schedule.noticed([FoundLane(endpoint: 1, dueAt: start, count: Schedule.manyRows)], now: at(0))
        var time = 0
        while schedule.slot(of: 1).map({ schedule.lanes[$0].window < schedule.limits.laneShare }) ?? true, time < 2_000
        {
            time += 10
            let count = claim(&schedule, time)
            answer(&schedule, count, time)
            settle(&schedule, count, time)
        }
        return schedule
    }

    @Test func asMuchAsIsUnansweredMayWaitToBeRecorded() {
        var schedule = proven(permits: 2_048)
        #expect(claim(&schedule, 3_000) == 512)
        #expect(claim(&schedule, 3_010) == 0)
        answer(&schedule, 512, 3_020)
        #expect(claim(&schedule, 3_020) == 512)
        answer(&schedule, 512, 3_030)
        #expect(claim(&schedule, 3_040) == 0)
        settle(&schedule, 300, 3_050)
        #expect(claim(&schedule, 3_060) == 300)
    }

    @Test func whatFailsHoldsNoMoreThanItsWindow() {
        var schedule = proven(permits: 2_048)
        #expect(claim(&schedule, 3_000) == 512)
        answer(&schedule, 511, 3_010)
        answer(&schedule, 1, 3_010, .failed)
        #expect(claim(&schedule, 3_020) == 0)
        settle(&schedule, 512, 3_030)
        #expect(claim(&schedule, 3_040) == 1)
    }

    @Test func fewPermitsAreNotForOneLane() {
        var schedule = proven(permits: 512)
        #expect(claim(&schedule, 3_000) == 341)
        answer(&schedule, 341, 3_010)
        #expect(claim(&schedule, 3_020) == 0)
    }
}
