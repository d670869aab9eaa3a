import OutboxStore
import Postgres
import TestSupport
import Testing

@testable import Worker

/// The schedule in simulated time, with crowds of lanes. One tick is a millisecond; a claim takes two, which the waits do not
/// count. They begin when a row is due and end when a claim that brings it begins.
@Suite struct ScheduleSimulationTests {
    /// A look is due every second tick, and a claim may be on its way.
    private static let turnTicks = 5
    private static let timeout = 15_000
    private static let healthy: Int32 = 1

    private func p99(_ waits: [Int]) -> Int {
        waits.isEmpty ? .max : waits.sorted()[waits.count * 99 / 100]
    }

    /// Endpoints above `hanging` hang until the timeout, the others answer after `ticks`.
    private func answers(
        _ ticks: Int, hanging: Int32
    ) -> (Int32, inout SeededGenerator) -> (ticks: Int, answer: Schedule.Answer) {
        { lane, _ in lane > hanging ? (Self.timeout, .failed) : (ticks, .delivered) }
    }

    // MARK: Slow neighbours

    @Test(arguments: [512, 2_048])
    func aHealthyLaneBeside300ThatHangWithOneEach(permits: Int) {
        var scene = SimulatedScene(permits: permits)
        scene.add(1...301)
        scene.answer = answers(5, hanging: 1)
        scene.isMeasured = { $0 == Self.healthy }
        for lane in Int32(2)...301 { scene.database.publish(to: lane) }
        scene.run(ticks: 16_000) { scene in
            if scene.database.tick % 20 == 0 { scene.database.publish(to: Self.healthy) }
        }
        #expect(scene.waits.count >= 798)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect((scene.waits.max() ?? 0) <= 2 * Self.turnTicks)
        #expect(scene.emptyNames == 0)
        #expect(scene.faults == [])
    }

    @Test(arguments: [512, 2_048])
    func healthyLanesBeside90Of100ThatHangWith300Each(permits: Int) {
        var scene = SimulatedScene(permits: permits)
        scene.add(1...100)
        scene.answer = answers(5, hanging: 10)
        scene.isMeasured = { $0 <= 10 }
        for lane in Int32(11)...100 { scene.database.publish(300, to: lane) }
        scene.run(ticks: 17_000) { scene in
            let tick = scene.database.tick
            if tick % 20 == 0 { scene.database.publish(to: Int32(1 + tick / 20 % 10)) }
        }
        #expect(scene.waits.count >= 848)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(scene.emptyNames == 0)
        #expect(scene.faults == [])
    }

    @Test func healthyLanesBeside1000Of10000ThatHang() {
        var scene = SimulatedScene(permits: 2_048)
        scene.add(1...10_000, tenant: { Int($0) })
        scene.answer = answers(5, hanging: 9_000)
        scene.isMeasured = { $0 <= 9_000 }
        for lane in Int32(9_001)...10_000 { scene.database.publish(5, to: lane) }
        scene.run(ticks: 16_500) { scene in
            let tick = scene.database.tick
            if tick % 10 == 0 { scene.database.publish(to: Int32(1 + tick / 10 * 7 % 9_000)) }
        }
        #expect(scene.waits.count >= 1_648)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(scene.faults == [])
    }

    /// A million rows at once in 50 lanes of one tenant, and a lane of another.
    @Test(arguments: [512, 2_048])
    func aLaneBesideATenantWithAMillionRows(permits: Int) {
        var scene = SimulatedScene(permits: permits)
        scene.add(1...51, tenant: { $0 == Self.healthy ? 1 : 2 })
        let ticks = permits / 10
        scene.answer = { lane, _ in (lane == Self.healthy ? 5 : ticks, .delivered) }
        scene.isMeasured = { $0 == Self.healthy }
        var mostHeld = 0
        scene.run(ticks: 2_000) { scene in
            let tick = scene.database.tick
            if tick == 100 { for lane in Int32(2)...51 { scene.database.publish(20_000, to: lane) } }
            if tick % 20 == 0 { scene.database.publish(to: Self.healthy) }
            mostHeld = max(mostHeld, scene.workers[0].heldInAll)
        }
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(mostHeld >= permits * 15 / 16)
        #expect(scene.emptyNames == 0)
        #expect(scene.faults == [])
    }

    // MARK: Shares

    /// Both want more than there is: each gets half, although one has a thousand lanes and the other two.
    @Test func aTenantWithAThousandLanesGetsATenantsShare() {
        var scene = SimulatedScene(permits: 256)
        scene.add(1...1_002, tenant: { $0 <= 2 ? 1 : 2 })
        scene.answer = { _, _ in (50, .delivered) }
        for lane in Int32(1)...2 { scene.database.publish(20_000, to: lane) }
        for lane in Int32(3)...1_002 { scene.database.publish(1_000, to: lane) }
        scene.run(ticks: 800)
        let before = scene.servedOfTenant
        scene.run(ticks: 800)
        let few = (scene.servedOfTenant[1] ?? 0) - (before[1] ?? 0)
        let many = (scene.servedOfTenant[2] ?? 0) - (before[2] ?? 0)
        #expect(few * 10 >= many * 9)
        #expect(many * 10 >= few * 9)
        #expect(scene.faults == [])
    }

    /// Slow lanes hold their permits for longer. They may not hold more of them, be they another tenant's or not.
    @Test(arguments: [1, 2])
    func slowLanesDoNotTakeWhatQuickOnesWant(tenant: Int) {
        var scene = SimulatedScene(permits: 256)
        scene.add(1...20, tenant: { $0 <= 10 ? 0 : tenant - 1 })
        scene.answer = { lane, _ in (lane <= 10 ? 25 : 300, .delivered) }
        for lane in Int32(1)...20 { scene.database.publish(20_000, to: lane) }
        scene.run(ticks: 3_000)
        scene.isMeasured = { $0 <= 10 }
        scene.run(ticks: 1_000)
        // Half of 240 permits for 25 ms and what settling and claiming take.
        #expect(scene.waits.count >= 120 * 1_000 / 40 * 8 / 10)
        #expect(scene.faults == [])
    }

    /// A lane that failed once shows that it has recovered, although others want every permit.
    @Test func aSuspectGetsItsTurn() {
        var scene = SimulatedScene(permits: 64)
        scene.add(1...30)
        scene.answer = { lane, random in
            lane == Self.healthy && Int.random(in: 0..<4, using: &random) > 0 ? (20, .failed) : (20, .delivered)
        }
        scene.retryTicks = 40
        for lane in Int32(2)...30 { scene.database.publish(10_000, to: lane) }
        scene.run(ticks: 200)
        scene.isMeasured = { $0 == Self.healthy }
        scene.database.publish(20, to: Self.healthy)
        scene.run(ticks: 3_000)
        #expect(scene.waits.count >= 20)
        #expect(scene.database.lanes[Self.healthy]?.rows.isEmpty == true)
        #expect(scene.faults == [])
    }

    // MARK: Width

    @Test func anEventTo1500SlowEndpointsUsesThePermits() {
        var scene = SimulatedScene(permits: 512)
        scene.add(1...1_500)
        scene.answer = { _, _ in (500, .delivered) }
        for lane in Int32(1)...1_500 { scene.database.publish(to: lane) }
        var held: [Int] = []
        var claimed = 0
        scene.run(ticks: 2_500) { scene in
            claimed = scene.servedOfTenant.values.reduce(0, +)
            if scene.database.tick > 20, claimed < 1_500 { held.append(scene.workers[0].heldInAll) }
        }
        #expect(claimed == 1_500)
        #expect(held.count > 900)
        #expect(held.reduce(0, +) * 10 >= 512 * 9 * held.count)
        #expect(scene.emptyNames == 0)
        #expect(scene.faults == [])
    }

    @Test func anEventTo4000EndpointsTakesFewClaims() {
        var scene = SimulatedScene(permits: 2_048)
        scene.add(1...4_000)
        for lane in Int32(1)...4_000 { scene.database.publish(to: lane) }
        scene.run(ticks: 300)
        #expect(scene.delivered == 4_000)
        // The first of 256, as all permits are free, and none of fewer than 64.
        #expect(scene.claims <= 4_000 / Schedule.unknownPerClaim / 2)
        #expect(scene.emptyNames == 0)
        #expect(scene.faults == [])
    }

    @Test func aLoneBusyLaneIsClaimedInLargeBatches() {
        var scene = SimulatedScene(permits: 512)
        scene.add([1])
        scene.database.publish(30_000, to: 1)
        scene.run(ticks: 200)
        let (claims, rows) = (scene.claims, scene.servedOfTenant[1] ?? 0)
        scene.run(ticks: 300)
        #expect((scene.servedOfTenant[1] ?? 0) - rows >= 80 * (scene.claims - claims))
        #expect((scene.servedOfTenant[1] ?? 0) - rows >= 300 * 341 / 20)
        #expect(scene.faults == [])
    }

    @Test func nothingIsClaimedWhileNothingIsDue() {
        var scene = SimulatedScene(permits: 512)
        scene.add(1...100)
        scene.answer = answers(5, hanging: 1)
        scene.database.publish(to: 2)
        for lane in Int32(3)...100 { scene.database.publish(to: lane, dueIn: 20_000) }
        scene.run(ticks: 10_000)
        #expect(scene.claims == 1)
    }
}
