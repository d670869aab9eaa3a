import TestSupport
import Testing

@testable import OutboxStore
@testable import Worker

@Suite struct ShapingQueueTests {
    private let endpoints = (1...4).map { Samples.endpoint(Samples.record(Int32($0), filter: "$.a == 1")) }

    private func unshaped(_ id: Int64, lane: Int) -> UnshapedDelivery {
        UnshapedDelivery(
            delivery: Samples.delivery(id, endpoint: Int32(lane)), endpoint: endpoints[lane - 1], passes: false,
            claimRequestedAt: .now)
    }

    private func ids(_ batch: [UnshapedDelivery]) -> [Int64] { batch.map(\.delivery.id) }

    @Test func endpointsTakeTurns() {
        var queue = ShapingQueue()
        queue.add((1...150).map { unshaped($0, lane: 1) } + [unshaped(200, lane: 2)])
        let first = ids(queue.next())
        let second = ids(queue.next())
        let third = ids(queue.next())
        queue.add([unshaped(300, lane: 3)])
        let fourth = ids(queue.next())
        #expect(first == Array(1...64) && second == [200] && third == Array(65...128))
        #expect(fourth == Array(129...150))
        #expect(ids(queue.next()) == [300])
        #expect(queue.isEmpty)
    }

    @Test func aBatchThatIsTakenApartGoesOneByOneAndInItsOrder() {
        var queue = ShapingQueue()
        queue.add([1, 2, 3].map { unshaped($0, lane: 1) })
        let batch = queue.next()
        queue.add([4, 5].map { unshaped($0, lane: 1) })
        queue.takeApart(batch)
        var batches: [[Int64]] = []
        while !queue.isEmpty { batches.append(ids(queue.next())) }
        #expect(batches == [[1], [2], [3], [4, 5]])
    }

    @Test func settingsThatChangedBeginAnotherBatch() {
        var queue = ShapingQueue()
        let changed = Samples.endpoint(Samples.record(1, filter: "$.a == 2"))
        queue.add([unshaped(1, lane: 1)])
        queue.add([
            UnshapedDelivery(
                delivery: Samples.delivery(2), endpoint: changed, passes: false, claimRequestedAt: .now)
        ])
        #expect(ids(queue.next()) == [1])
        #expect(ids(queue.next()) == [2])
    }

    /// Whatever happens, each delivery comes out once.
    @Test(arguments: 1...20) func nothingIsLostOrDoubled(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var queue = ShapingQueue()
        var added: [Int64] = []
        var taken: [Int64] = []
        for _ in 0..<200 {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                let batch = (0..<Int.random(in: 1...90, using: &generator)).map { _ in
                    added.append(Int64(added.count))
                    return unshaped(Int64(added.count) - 1, lane: Int.random(in: 1...4, using: &generator))
                }
                queue.add(batch)
            case 2:
                queue.takeApart(queue.next())
            case 3:
                let batch = queue.next()
                taken += ids(Array(batch.prefix(2)))
                queue.putBack(Array(batch.dropFirst(2)))
            default: taken += ids(queue.next())
            }
        }
        taken += ids(queue.takeAll())
        #expect(queue.isEmpty)
        #expect(taken.sorted() == added)
    }
}
