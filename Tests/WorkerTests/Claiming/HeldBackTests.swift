import OutboxStore
import Postgres
import Testing

@testable import Worker

@Suite struct HeldBackTests {
    private let start = ContinuousClock.now

    @Test func anEntryThatIsNotRenewedEnds() {
        var held = HeldBack()
        let first = held.hold(2, isKeyMissing: true, "b", now: start)
        let second = held.hold(1, isKeyMissing: false, "a", now: start)
        let again = held.hold(2, isKeyMissing: true, "b", now: start.advanced(by: HeldBack.pause))
        #expect(first && second && !again)
        #expect(held.count == 2 && held.isKeyMissing && held.why == "a")
        let whole: Duration = HeldBack.pause + HeldBack.grace
        held.expire(start.advanced(by: whole))
        #expect(held.count == 1 && held.why == "b")
        held.expire(start.advanced(by: whole + HeldBack.pause))
        #expect(held.count == 0 && !held.isKeyMissing && held.why == nil)
    }

    @Test func whatIsSentIsFree() {
        var held = HeldBack()
        _ = held.hold(2, isKeyMissing: true, "b", now: start)
        held.free(2)
        #expect(held.count == 0)
        let isNew = held.hold(2, isKeyMissing: true, "b", now: start)
        #expect(isNew)
    }

    @Test func theNumberIsBounded() {
        var held = HeldBack()
        for id in 0..<Int32(HeldBack.limit + 500) { _ = held.hold(id, isKeyMissing: true, "", now: start) }
        #expect(held.count == HeldBack.limit)
    }
}

/// What the schedule does with a lane that its worker cannot work on.
@Suite struct ScheduleHoldingTests {
    private final class Scene {
        let start = PostgresTimestamp(unixMicroseconds: 1_700_000_000_000_000)
        var now: PostgresTimestamp
        var schedule = Schedule(permits: 100, bytes: 1 << 20)

        init() { now = start }

        /// As a worker does, in small steps.
        func pass(quarters: Int) {
            for _ in 0..<quarters {
                now = now.advanced(by: Duration.milliseconds(250))
                schedule.advance(now)
            }
        }

        func commit(_ lane: Int32) { schedule.noticed([FoundLane(endpoint: lane, dueAt: start)], now: now) }

        func claim() -> [Int32] {
            guard let plan = schedule.nextClaim(now: now, freePermits: 100, freeBytes: 1 << 20) else { return [] }
            let lanes: [Int32] = plan.lanes.map(\.endpoint)
            var taken: [LaneCount] = []
            var reports: [LaneReport] = []
            for lane in lanes {
                taken.append(LaneCount(endpoint: lane, count: 1, bytes: 10))
                reports.append(LaneReport(endpoint: lane, state: .empty, from: start, nextAt: .infinity))
            }
            schedule.claimed(plan, taken: taken, reports: reports, now: now)
            return lanes.sorted()
        }

        /// The row is given back, which a look tells.
        func giveBack(_ lane: Int32) {
            schedule.settled([LaneCount(endpoint: lane, count: 1, bytes: 10)], now: now)
            commit(lane)
        }

        func holdBack(_ lane: Int32) { schedule.holdBack(lane, for: .seconds(30), now: now) }
    }

    @Test func isClaimedAgainOnlyAfterThePause() {
        let scene = Scene()
        scene.commit(1)
        scene.commit(2)
        #expect(scene.claim() == [1, 2])
        scene.holdBack(1)
        scene.giveBack(1)
        scene.giveBack(2)
        scene.pass(quarters: 4)
        #expect(scene.claim() == [2])
        scene.commit(1)
        // The walk knows of it and does not count it as missed.
        let walked = WalkedLane(endpoint: 1, from: scene.start, nextAt: scene.start)
        let missed = scene.schedule.walked([walked], now: scene.now)
        #expect(missed == 0)
        scene.pass(quarters: 112)
        #expect(scene.claim() == [])
        // It counts as waiting all the time.
        #expect(scene.schedule.oldestDue == scene.start)
        scene.pass(quarters: 8)
        #expect(scene.claim() == [1])
    }

    @Test func aChangeOfItsSettingsEndsThePause() {
        let scene = Scene()
        scene.commit(1)
        #expect(scene.claim() == [1])
        scene.holdBack(1)
        scene.giveBack(1)
        scene.pass(quarters: 4)
        #expect(scene.claim() == [])
        scene.schedule.noticed([FoundLane(endpoint: 1, dueAt: .infinity, hasChanged: true)], now: scene.now)
        #expect(scene.claim() == [1])
    }
}
