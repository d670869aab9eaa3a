import Outbox
import OutboxStore
import Testing

@testable import Worker

@Suite struct HeldBackTests {
    private let start = ContinuousClock.now

    private func outcomes(_ ids: ClosedRange<Int64>, endpoint: Int32) -> [Settlement] {
        ids.map { Settlement(Samples.delivery($0, endpoint: endpoint), .delivered) }
    }

    private func ids(_ settlements: [Settlement]) -> [Int64] { settlements.map(\.delivery.id).sorted() }

    @Test func aBatchPassesWhereNothingIsHeldBack() {
        var heldBack = HeldBack()
        #expect(ids(heldBack.join(outcomes(1...3, endpoint: 1))) == [1, 2, 3])
        #expect(heldBack.isEmpty && heldBack.next == nil)
    }

    @Test func outcomesOfALaneThatIsHeldBackJoinIt() {
        var heldBack = HeldBack()
        heldBack.left(outcomes(1...2, endpoint: 1), now: start)
        #expect(ids(heldBack.join(outcomes(3...3, endpoint: 1) + outcomes(4...4, endpoint: 2))) == [4])
        #expect(heldBack.take(500, now: start).isEmpty)
        #expect(heldBack.next == start + HeldBack.firstPause)
        #expect(ids(heldBack.take(500, now: start + HeldBack.firstPause)) == [1, 2, 3])
        #expect(heldBack.isEmpty)
    }

    @Test func pausesGrowToASecondForEachLaneApart() {
        var heldBack = HeldBack()
        var now = start
        var pauses: [Duration] = []
        heldBack.left(outcomes(1...1, endpoint: 1), now: now)
        for _ in 0..<50 {
            guard let next = heldBack.next else { break }
            pauses.append(next - now)
            now = next
            heldBack.left(heldBack.take(500, now: now), now: now)
        }
        let growing: [Duration] = [50, 100, 200, 400, 800].map { .milliseconds($0) }
        #expect(Array(pauses.prefix(5)) == growing)
        #expect(pauses.dropFirst(5).allSatisfy { $0 == HeldBack.longestPause } && pauses.count == 50)
        heldBack.left(outcomes(2...2, endpoint: 2), now: now)
        #expect(heldBack.next == now + HeldBack.firstPause)
    }

    @Test func noMoreIsTakenThanABatchHolds() {
        var heldBack = HeldBack()
        heldBack.left(outcomes(1...700, endpoint: 1), now: start)
        let now = start + .seconds(1)
        #expect(heldBack.take(500, now: now).count == 500)
        #expect(heldBack.take(500, now: now).count == 200)
        #expect(heldBack.isEmpty)
    }
}
