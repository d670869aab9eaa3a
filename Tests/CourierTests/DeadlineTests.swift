import Courier
import Dispatch
import Outbox
import TestSupport
import Testing

@Suite("Deadlines", .timeLimit(.minutes(1)))
struct DeadlineTests {
    private static let timeout = Duration.milliseconds(400)
    /// Far less than any other limit, far more than a busy machine needs.
    private static let slack = Duration.seconds(8)

    @Test("Silence and a dripping head end at the deadline", arguments: [ReceiverAnswer.hang, .dripHead])
    func noHead(_ answer: ReceiverAnswer) async throws {
        let receiver = try ScriptedReceiver(answer: answer)
        let fixture = try PoolFixture()
        let begun = ContinuousClock.now
        let result = try await fixture.send(.to(receiver, timeout: Self.timeout))
        #expect(result.outcome.errorCode == .timeout)
        // libcurl counts in whole milliseconds.
        #expect(begun.duration(to: .now) >= Self.timeout - .milliseconds(2))
        #expect(begun.duration(to: .now) < Self.slack)
        #expect(result.timings.total >= 398_000)
    }

    @Test("A dripping body ends at the deadline, and the answer counts")
    func drippingBody() async throws {
        let receiver = try ScriptedReceiver(answer: .dripBody)
        let fixture = try PoolFixture()
        let begun = ContinuousClock.now
        let answer = try #require(try await fixture.send(.to(receiver, timeout: Self.timeout)).outcome.answer)
        #expect(answer.status == 200)
        #expect(answer.truncated)
        #expect(answer.bodyPrefix.allSatisfy { $0 == 0x62 })
        #expect(begun.duration(to: .now) < Self.slack)
    }

    @Test("A TLS handshake that stalls ends at the connect timeout")
    func stalledHandshake() async throws {
        let receiver = try ScriptedReceiver(accepts: false)
        let fixture = try PoolFixture()
        let route = CourierRoute.to(
            receiver, scheme: "https", timeout: .seconds(20), connectTimeout: .milliseconds(300))
        let result = try await fixture.send(route)
        #expect(result.outcome.errorCode == .connectTimeout)
        #expect(result.timings.total < 10_000_000)
    }

    @Test("Nothing is sent when it is too late to begin")
    func tooLate() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        let result = try await fixture.send(TestRequest(.to(receiver), mustStartBefore: .now - .milliseconds(1)))
        #expect(result.outcome == .notSent(.tooLate))
        #expect(receiver.connectionCount == 0)
    }

    @Test("Nothing is sent when resolving the name took too long for the lease")
    func tooLateAfterLookUp() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["slow.example": [.late(.milliseconds(200), .addresses([.loopback]))]])
        let fixture = try PoolFixture(names: names)
        let route = CourierRoute.to(receiver, name: "slow.example")
        fixture.pool.submit([TestRequest(route, mustStartBefore: .now + .milliseconds(100))])
        #expect(try await fixture.log.wait(for: 1).first?.outcome == .notSent(.tooLate))
        #expect(receiver.connectionCount == 0)
    }
}
