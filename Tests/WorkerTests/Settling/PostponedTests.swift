import Outbox
import OutboxStore
import Testing

@testable import Worker

@Suite struct PostponedTests {
    private let start = ContinuousClock.now

    private func outcomes(_ ids: ClosedRange<Int64>, endpoint: Int32) -> [Settlement] {
        ids.map { Settlement(Samples.delivery($0, endpoint: endpoint), .delivered) }
    }

    private func ids(_ settlements: [Settlement]) -> [Int64] { settlements.map(\.delivery.id).sorted() }

    @Test func aBatchPassesWhereNothingIsHeldBack() {
        var postponed = Postponed()
        #expect(ids(postponed.join(outcomes(1...3, endpoint: 1))) == [1, 2, 3])
        #expect(postponed.isEmpty && postponed.next == nil)
    }

    @Test func outcomesOfALaneThatIsHeldBackJoinIt() {
        var postponed = Postponed()
        postponed.left(outcomes(1...2, endpoint: 1), now: start)
        #expect(ids(postponed.join(outcomes(3...3, endpoint: 1) + outcomes(4...4, endpoint: 2))) == [4])
        #expect(postponed.take(500, now: start).isEmpty)
        #expect(postponed.next == start + Postponed.firstPause)
        #expect(ids(postponed.take(500, now: start + Postponed.firstPause)) == [1, 2, 3])
        #expect(postponed.isEmpty)
    }

    @Test func pausesGrowToASecondForEachLaneApart() {
        var postponed = Postponed()
        var now = start
        var pauses: [Duration] = []
        postponed.left(outcomes(1...1, endpoint: 1), now: now)
        for _ in 0..<50 {
            guard let next = postponed.next else { break }
            pauses.append(next - now)
            now = next
            postponed.left(postponed.take(500, now: now), now: now)
        }
        let growing: [Duration] = [50, 100, 200, 400, 800].map { .milliseconds($0) }
        #expect(Array(pauses.prefix(5)) == growing)
        #expect(pauses.dropFirst(5).allSatisfy { $0 == Postponed.longestPause } && pauses.count == 50)
        postponed.left(outcomes(2...2, endpoint: 2), now: now)
        #expect(postponed.next == now + Postponed.firstPause)
    }

    @Test func noMoreIsTakenThanABatchHolds() {
        var postponed = Postponed()
        postponed.left(outcomes(1...700, endpoint: 1), now: start)
        let now = start + .seconds(1)
        #expect(postponed.take(500, now: now).count == 500)
        #expect(postponed.take(500, now: now).count == 200)
        #expect(postponed.isEmpty)
    }
}
