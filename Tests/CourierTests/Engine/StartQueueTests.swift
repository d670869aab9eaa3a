import Outbox
import TestSupport
import Testing

@testable import Courier

@Suite("The order in which requests begin")
struct StartQueueTests {
    private static let route = CourierRoute(
        id: 1, revision: 1, url: "http://127.0.0.1:9/", host: .address(.loopback), port: 9, timeout: .seconds(1),
        connectTimeout: .seconds(1), fixedHeaders: HeaderLines())

    private func queue(passing: Range<Int>, others: Range<Int>) -> StartQueue {
        var queue = StartQueue()
        for number in others { queue.append(TestRequest(Self.route, number: number)) }
        for number in passing { queue.append(TestRequest(Self.route, number: number, passesOthers: true)) }
        return queue
    }

    private func numbers(_ requests: [any CourierRequest]) -> [Int] {
        requests.compactMap { ($0 as? TestRequest)?.number }
    }

    @Test("Those that pass come first, and one in eight is of the others")
    func turns() {
        var queue = queue(passing: 100..<120, others: 0..<5)
        #expect(queue.count == 25)
        let all = numbers(queue.takeAll())
        #expect(all == Array(100..<107) + [0] + Array(107..<114) + [1] + Array(114..<120) + [2, 3, 4])
        #expect(queue.isEmpty)
    }

    @Test("One that comes later passes thousands that wait, and those keep their order")
    func passing() {
        var queue = queue(passing: 0..<0, others: 0..<5_000)
        var taken: [Int] = []
        for _ in 0..<1_500 { taken += numbers([queue.next()].compactMap(\.self)) }
        #expect(taken == Array(0..<1_500))
        queue.append(TestRequest(Self.route, number: 9_999, passesOthers: true))
        #expect(queue.count == 3_501)
        #expect(numbers(queue.takeAll()) == [9_999] + Array(1_500..<5_000))
        #expect(queue.next() == nil)
    }
}
