import Testing

@testable import Courier

@Suite("How many requests are in flight")
struct InFlightLimitTests {
    @Test("The limit falls to what there is room for, never to nothing, and recovers one by one")
    func fallAndRecovery() {
        var limit = InFlightLimit(maximum: 10)
        for _ in 0..<100 { limit.requestEnded() }
        #expect(limit.current == 10)
        limit.lackedSocket(others: 2)
        #expect(limit.current == 2)
        limit.lackedSocket(others: 7)
        #expect(limit.current == 2, "it does not rise for want of a socket")
        limit.requestEnded()
        #expect(limit.current == 2)
        limit.requestEnded()
        #expect(limit.current == 3)
        for _ in 0..<1000 { limit.requestEnded() }
        #expect(limit.current == 10)
        limit.lackedSocket(others: 0)
        #expect(limit.current == 1)
        #expect(InFlightLimit(maximum: 0).current == 1)
    }
}
