import OutboxStore
import Postgres
import TestSupport
import Testing

@testable import Worker

/// Lively lanes beside crowds that are due at once, in simulated time. Here a claim takes the longer the more work it is.
@Suite struct ScheduleLivelyTests {
    private static let lively: Int32 = 1
    /// A unit of work takes a fiftieth of a tick.
    private static let workPerTick = 50
    /// The rest of a claim on its way, and a claim of its own; both as long as ``ClaimPace`` lets them be.
    private static let mostTicks = 24

    private func p99(_ waits: [Int]) -> Int {
        waits.isEmpty ? .max : waits.sorted()[waits.count * 99 / 100]
    }

    private func scene(_ lanes: Int32) -> SimulatedScene {
        var scene = SimulatedScene(permits: 2_048)
        scene.add(1...lanes, tenant: { Int($0) })
        scene.workPerTick = Self.workPerTick
        scene.isMeasured = { $0 == Self.lively }
        return scene
    }

    /// All of the crowd are quick too, and each has one event every three seconds, all at once; or they are new.
    @Test(arguments: [1, 3])
    func aLivelyLaneWaitsForNoCrowdThatIsDueAtOnce(bursts: Int) {
        var scene = scene(2_001)
        scene.run(ticks: bursts * 3_000 + 1_000) { scene in
            let tick = scene.database.tick
            if tick % 20 == 0 { scene.database.publish(to: Self.lively) }
            if tick % 3_000 == 1_000 { for lane in Int32(2)...2_001 { scene.database.publish(to: lane) } }
        }
        #expect(scene.waits.count >= bursts * 150)
        #expect((scene.waits.max() ?? .max) <= Self.mostTicks)
        #expect(scene.delivered >= bursts * 2_000)
        #expect(scene.faults == [])
    }

    /// A hundred lively lanes have more to do than there is time for. The crowd still gets its turns.
    @Test func livelyLanesKeepNoCrowdWaiting() {
        var scene = scene(1_100)
        var rest: Int?
        scene.run(ticks: 4_000) { scene in
            let tick = scene.database.tick
            for lane in Int32(1)...100 where (tick + Int(lane)) % 6 == 0 { scene.database.publish(to: lane) }
            if tick == 2_000 { for lane in Int32(101)...1_100 { scene.database.publish(to: lane) } }
            if tick > 2_000, rest == nil,
                (Int32(101)...1_100).allSatisfy({ scene.database.lanes[$0]?.rows.isEmpty == true })
            {
                rest = tick - 2_000
            }
        }
        #expect((rest ?? .max) <= 1_000)
        #expect(scene.faults == [])
    }

    /// A tenant's million rows: its lanes are not lively, as they have a backlog, and claims stay short.
    @Test func aLivelyLaneBesideABacklog() {
        var scene = scene(51)
        scene.add(2...51, tenant: { _ in 2 })
        scene.run(ticks: 3_000) { scene in
            let tick = scene.database.tick
            if tick % 20 == 0 { scene.database.publish(to: Self.lively) }
            if tick == 500 { for lane in Int32(2)...51 { scene.database.publish(20_000, to: lane) } }
        }
        #expect(p99(scene.waits) <= Self.mostTicks)
        #expect((scene.servedOfTenant[2] ?? 0) > 40_000)
        #expect(scene.faults == [])
    }
}
