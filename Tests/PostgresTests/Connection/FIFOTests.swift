import Testing

@testable import Postgres

@Suite("A queue")
struct FIFOTests {
    @Test("keeps the order, however it grows and shrinks")
    func order() {
        var queue = FIFO<Int>()
        var taken: [Int] = []
        for number in 0..<1000 {
            queue.append(number)
            if number % 3 != 0, let first = queue.popFirst() { taken.append(first) }
        }
        #expect(queue.count == 1000 - taken.count)
        #expect(Array(queue) == Array(taken.count..<1000))
        while let first = queue.popFirst() { taken.append(first) }
        #expect(taken == Array(0..<1000))
        #expect(queue.isEmpty)
    }

    @Test("gives up elements from its midst")
    func remove() {
        var queue = FIFO<Int>()
        for number in 0..<10 { queue.append(number) }
        _ = queue.popFirst()
        #expect(queue.remove { $0 % 2 == 0 } == [2, 4, 6, 8])
        #expect(Array(queue) == [1, 3, 5, 7, 9])
    }
}
