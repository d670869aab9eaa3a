import Courier
import Outbox
import TestSupport
import Testing

@Suite("Stopping", .timeLimit(.minutes(1)))
struct ClosingTests {
    @Test("What was sent is interrupted, what was not is handed back, and the pool goes on")
    func cancelAll() async throws {
        let receiver = try ScriptedReceiver(answer: .hang)
        let names = try ScriptedNameServer(["dead.example": [.silence]])
        let fixture = try PoolFixture(couriers: 1, names: names) { $0.maximumInFlight = 3 }
        fixture.pool.submit([TestRequest(.to(receiver, id: 9, name: "dead.example"), number: 0)])
        fixture.pool.submit((1...5).map { TestRequest(.to(receiver), number: $0) })
        try await receiver.waitForRequests(2)
        fixture.pool.cancelAll()
        let results = try await fixture.log.wait(for: 6)
        let outcomes = Dictionary(
            uniqueKeysWithValues: results.map { (($0.request as? TestRequest)?.number, $0.outcome) })
        #expect(outcomes[1] == .interrupted)
        #expect(outcomes[2] == .interrupted)
        for number in [0, 3, 4, 5] { #expect(outcomes[number] == .notSent(.cancelled)) }
        #expect(fixture.pool.inFlight == 0)
        receiver.answer(with: .ok)
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
    }

    @Test("Closing delivers what is left and takes nothing more")
    func close() async throws {
        let receiver = try ScriptedReceiver(answer: .hang)
        let fixture = try PoolFixture()
        fixture.pool.submit((0..<4).map { TestRequest(.to(receiver), number: $0) })
        try await receiver.waitForRequests(4)
        await fixture.pool.close()
        #expect(fixture.log.results.map(\.outcome) == Array(repeating: .interrupted, count: 4))
        #expect(try await fixture.send(.to(receiver)).outcome == .notSent(.cancelled))
        await fixture.pool.close()
        #expect(receiver.requests.count == 4)
    }
}
