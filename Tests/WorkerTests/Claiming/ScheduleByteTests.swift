import TestSupport
import Testing

@testable import Worker

/// Who may hold how many payload bytes, in simulated time. Most rows are of a hundred thousand bytes, and there is room for 64.
@Suite struct ScheduleByteTests {
    private static let turnTicks = 5
    private static let large = 100_000
    private static let limit = 64 * large
    private static let small: Int32 = 1

    private func scene(_ lanes: Int32, largest: Int = large) -> SimulatedScene {
        var scene = SimulatedScene(permits: 2_048, bytes: Self.limit)
        scene.add(1...lanes, tenant: { $0 == Self.small ? 1 : 2 })
        scene.database.bytesOfRow = { $0 == Self.small ? 1_000 : largest }
        scene.isMeasured = { $0 == Self.small }
        scene.checksBooks = true
        return scene
    }

    private func p99(_ waits: [Int]) -> Int {
        waits.isEmpty ? .max : waits.sorted()[waits.count * 99 / 100]
    }

    /// What hangs holds all bytes that are not reserved, until it is known to hang. A lane that has been quick goes on.
    @Test func lanesThatHangWithLargeRowsLeaveBytesForOthers() {
        var scene = scene(41)
        scene.answer = { lane, _ in lane == Self.small ? (5, .delivered) : (3_000, .failed) }
        scene.retryTicks = 10
        scene.run(ticks: 12_000) { scene in
            if scene.database.tick == 200 { for lane in Int32(2)...41 { scene.database.publish(1_000, to: lane) } }
            if scene.database.tick % 20 == 0 { scene.database.publish(to: Self.small) }
        }
        #expect(scene.waits.count >= 598)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(scene.faults == [])
    }

    /// Forty that fail slowly have one each to try: as many at once as fit into a quarter of the bytes.
    @Test func suspectsHoldAQuarterOfTheBytes() {
        var scene = scene(41)
        scene.answer = { lane, _ in lane == Self.small ? (5, .delivered) : (1_500, .failed) }
        scene.retryTicks = 10
        for lane in Int32(2)...41 { scene.database.publish(to: lane) }
        var most = 0
        scene.run(ticks: 8_000) { scene in
            guard scene.database.tick > 1_600 else { return }
            most = max(most, scene.workers[0].schedule.books.suspect.bytes)
        }
        #expect(most <= Self.limit / 4)
        #expect(most >= Self.limit / 8)
        #expect(scene.faults == [])
    }

    @Test func aLaneWithSmallRowsBesideABacklogOfLargeOnes() {
        var scene = scene(51)
        scene.answer = { lane, _ in (lane == Self.small ? 5 : 40, .delivered) }
        var most = 0
        var least = Int.max
        scene.run(ticks: 4_000) { scene in
            if scene.database.tick == 200 { for lane in Int32(2)...51 { scene.database.publish(5_000, to: lane) } }
            if scene.database.tick % 20 == 0 { scene.database.publish(to: Self.small) }
            guard scene.database.tick > 500 else { return }
            most = max(most, scene.workers[0].heldBytes)
            least = min(least, scene.workers[0].heldBytes)
        }
        #expect(scene.waits.count >= 198)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(most <= Self.limit)
        // All begin and end at once.
        #expect(least >= Self.limit / 4)
        #expect(scene.faults == [])
    }

    /// Each is larger than all bytes that there are: they go one after the other, and others go between them.
    @Test func rowsLargerThanAllBytesGoOneAtATime() {
        var scene = scene(5, largest: 2 * Self.limit)
        scene.answer = { _, _ in (20, .delivered) }
        for lane in Int32(2)...5 { scene.database.publish(10, to: lane) }
        scene.database.publish(10, to: Self.small)
        var most = 0
        scene.run(ticks: 2_000) { scene in most = max(most, scene.workers[0].heldBytes) }
        #expect(scene.delivered == 50)
        #expect(most <= 2 * Self.limit + 10 * 1_000)
        #expect(scene.faults == [])
    }

    /// A suspect whose row is larger than all that suspects may hold is tried all the same, when it is the only one.
    @Test func aSuspectWithALargeRowRecovers() {
        var scene = scene(2, largest: Self.limit / 2)
        var attempts = 0
        scene.answer = { lane, _ in
            guard lane != Self.small else { return (5, .delivered) }
            attempts += 1
            return (5, attempts < 3 ? .failed : .delivered)
        }
        scene.retryTicks = 50
        scene.database.publish(2, to: 2)
        scene.run(ticks: 1_000) { scene in
            if scene.database.tick % 20 == 0 { scene.database.publish(to: Self.small) }
        }
        #expect(scene.database.rowsLeft <= 1)
        #expect(p99(scene.waits) <= Self.turnTicks)
        #expect(scene.faults == [])
    }
}
