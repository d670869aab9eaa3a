import OutboxStore
import Postgres
import TestSupport
import Testing

@testable import Worker

/// Random scenes: lanes with limits and rates, locked, closed and opened lanes, failed claims, outcomes that were given up,
/// workers that die, clocks that are set. Each seed is one scene, so a failure repeats.
@Suite struct ScheduleRandomTests {
    private static let lanes: Int32 = 60
    /// Those above hang or fail at times; the others answer quickly.
    private static let healthy: Int32 = 40
    private static let lease = 3_000

    private static func hasLimit(_ lane: Int32) -> Bool { lane % 5 == 1 }

    private func scene(_ seed: UInt64, workers: Int) -> SimulatedScene {
        var scene = SimulatedScene(workers: workers, permits: 128, seed: seed)
        scene.add(1...Self.lanes, tenant: { Int($0 % 7) })
        scene.retryTicks = 400
        scene.leaseTicks = Self.lease
        scene.checksBooks = true
        scene.answer = { lane, random in
            let chance = Int.random(in: 0..<100, using: &random)
            if lane <= Self.healthy {
                return (Int.random(in: 2...12, using: &random), chance == 0 ? .none : .delivered)
            }
            if chance < 10 { return (1_500, .failed) }
            return (Int.random(in: 2...30, using: &random), chance < 30 ? .failed : .delivered)
        }
        for lane in 1...Self.lanes where Self.hasLimit(lane) { scene.database.lanes[lane]?.limit = 3 }
        for lane in stride(from: Int32(2), through: Self.lanes, by: 5) {
            scene.database.lanes[lane]?.ticksPerToken = 40
        }
        return scene
    }

    /// One tick of what publishers, operators and others do.
    private func disturb(_ scene: inout SimulatedScene) {
        let lane = Int32.random(in: 1...Self.lanes, using: &scene.random)
        switch Int.random(in: 0..<1_000, using: &scene.random) {
        case ..<120: scene.database.publish(Int.random(in: 1...3, using: &scene.random), to: lane)
        case ..<160: scene.database.publish(to: lane, dueIn: Int.random(in: 1...2_000, using: &scene.random))
        case ..<163:
            let opensAt = scene.database.after(Int.random(in: 100...1_000, using: &scene.random))
            let isPause = Bool.random(using: &scene.random)
            scene.database.change(lane) { $0.opensAt = isPause ? .infinity : opensAt }
        case ..<172: scene.database.change(lane) { $0.opensAt = .negativeInfinity }
        case ..<175:
            let until = scene.database.tick + Int.random(in: 5...100, using: &scene.random)
            scene.database.lanes[lane]?.lockedUntil = until
            scene.database.lanes[lane]?.lockedBy = -1
        default: break
        }
    }

    /// Ends what disturbs, and lets everything that is left be delivered.
    private func calm(_ scene: inout SimulatedScene) {
        scene.answer = { _, _ in (5, .delivered) }
        scene.failingClaims = 0
        scene.givenUp = 0
        for lane in 1...Self.lanes where scene.database.lanes[lane]?.opensAt != .negativeInfinity {
            scene.database.change(lane) { $0.opensAt = .negativeInfinity }
        }
        scene.run(ticks: 2 * Self.lease + 2_000)
    }

    @Test(arguments: 1...4)
    func nothingIsForgotten(seed: Int) {
        var scene = scene(UInt64(seed), workers: 1)
        scene.failingClaims = 20
        scene.givenUp = 10
        var longest = (healthy: 0, any: 0)
        scene.run(ticks: 4_000) { scene in
            disturb(&scene)
            guard scene.database.tick % 5 == 0 else { return }
            longest.healthy = max(longest.healthy, scene.database.longestUnclaimed { $0 <= Self.healthy })
            longest.any = max(longest.any, scene.database.longestUnclaimed { _ in true })
        }
        calm(&scene)
        #expect(scene.database.rowsLeft == 0)
        // A lost claim, a rest of 20 and a lock; suspects wait for each other.
        #expect(longest.healthy <= 60)
        #expect(longest.any <= 2_000)
        #expect(scene.faults == [])
    }

    /// Without failures, a single worker learns everything exactly: what it names in vain has a reason.
    @Test(arguments: 1...3)
    func noClaimIsInVainWithoutAReason(seed: Int) {
        var scene = scene(UInt64(seed), workers: 1)
        var changes = 0
        var locks = 0
        scene.run(ticks: 4_000) { scene in
            let (news, locked) = (
                scene.database.news.count, scene.database.lanes.values.reduce(0) { $0 + $1.lockedUntil }
            )
            disturb(&scene)
            if scene.database.news.count > news, scene.database.news.last?.hasChanged == true { changes += 1 }
            locks += max(0, scene.database.lanes.values.reduce(0) { $0 + $1.lockedUntil } - locked) > 0 ? 1 : 0
            if scene.database.tick % 100 == 0, scene.workers[0].claim == nil { scene.walk(0) }
        }
        // A change of settings costs a name, and a lane that opens by itself another; a lock some rests, as each is longer.
        #expect(scene.emptyNames <= 2 * changes + 2 * locks)
        #expect(scene.missed == 0)
        #expect(scene.faults == [])
    }

    @Test(arguments: 1...4)
    func severalWorkersLeaveNothingWhenOneDies(seed: Int) {
        var scene = scene(UInt64(seed), workers: 3)
        scene.failingClaims = 10
        scene.clockError = 3
        var longest = 0
        var longestAtLimit = 0
        scene.run(ticks: 4_000) { scene in
            disturb(&scene)
            if scene.database.tick == 2_000 { scene.workers[2].isAlive = false }
            guard scene.database.tick % 5 == 0 else { return }
            longest = max(longest, scene.database.longestUnclaimed { $0 <= Self.healthy && !Self.hasLimit($0) })
            longestAtLimit = max(
                longestAtLimit, scene.database.longestUnclaimed { $0 <= Self.healthy && Self.hasLimit($0) })
        }
        calm(&scene)
        #expect(scene.database.rowsLeft == 0)
        #expect(longest <= 80)
        #expect(longestAtLimit <= 80)
        // Each look tells all three, and one of them is first; the others ask again when its lease would end.
        #expect(scene.emptyNames <= 3 * scene.delivered)
        #expect(scene.faults == [])
    }

    /// What fills a lane is settled by the worker that holds it, and the other is not told: it asks again soon.
    @Test(arguments: 1...4)
    func aLaneAtItsLimitGoesOnWhereItsWorkerHasNoRoom(seed: Int) {
        var scene = SimulatedScene(workers: 2, permits: 128, seed: UInt64(seed))
        scene.add(1...10)
        scene.answer = { _, random in (Int.random(in: 2...12, using: &random), .delivered) }
        for lane in scene.database.lanes.keys { scene.database.lanes[lane]?.limit = 1 }
        var longest = 0
        scene.run(ticks: 6_000) { scene in
            let tick = scene.database.tick
            if tick % 20 == 0 { for lane in Int32(1)...10 { scene.database.publish(2, to: lane) } }
            // They take turns in having room.
            if tick % 150 == 0 {
                scene.workers[0].mayClaim = tick % 300 == 0
                scene.workers[1].mayClaim = tick % 300 != 0
            }
            longest = max(longest, scene.database.longestUnclaimed { _ in true })
        }
        #expect(longest <= 80)
        #expect(scene.faults == [])
    }

    /// A clock that is set back or ahead by an hour makes nothing wait longer than until it shows the time again.
    @Test(arguments: [-3_600_000, 3_600_000])
    func clocksThatAreSetStopNothing(milliseconds: Int) {
        var scene = scene(7, workers: 2)
        var longest = 0
        scene.run(ticks: 3_000) { scene in
            disturb(&scene)
            if scene.database.tick == 1_500 {
                scene.database.clock = scene.database.clock.advanced(by: .milliseconds(milliseconds))
            }
            guard scene.database.tick % 5 == 0, scene.database.tick != 1_500 else { return }
            longest = max(longest, scene.database.longestUnclaimed { $0 <= Self.healthy })
        }
        #expect(longest <= 60)
        #expect(scene.faults == [])
        // Back again: what waited for the clock is due.
        scene.database.clock = scene.database.clock.advanced(by: .milliseconds(max(0, -milliseconds)))
        calm(&scene)
        #expect(scene.database.rowsLeft == 0)
    }

    /// After a connection was lost, work is found by a walk only, and what is held stays known.
    @Test(arguments: 1...2)
    func aWalkFindsAgainWhatWasForgotten(seed: Int) {
        var scene = scene(UInt64(seed), workers: 1)
        scene.run(ticks: 3_000) { scene in
            disturb(&scene)
            guard scene.database.tick % 700 == 0 else { return }
            scene.workers[0].schedule.forgetAll()
            scene.workers[0].news = scene.database.news.count
        }
        scene.walk(0, counts: false)
        calm(&scene)
        #expect(scene.database.rowsLeft == 0)
        #expect(scene.faults == [])
    }
}
