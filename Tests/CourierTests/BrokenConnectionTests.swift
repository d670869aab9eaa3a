import Courier
import Outbox
import TestSupport
import Testing

@Suite("Connections that break", .timeLimit(.minutes(1)))
struct BrokenConnectionTests {
    @Test(
        "No answer: reset and close are both connection_reset",
        arguments: [
            ReceiverAnswer.resetAfterRequest, .closeWithoutAnswer,
        ])
    func broken(_ answer: ReceiverAnswer) async throws {
        let receiver = try ScriptedReceiver(answer: answer)
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome.errorCode == .connectionReset)
        #expect(receiver.requests.count == 1)
    }

    @Test(
        "A request is never sent a second time over another connection",
        arguments: [
            ReceiverAnswer.resetAfterRequest, .closeWithoutAnswer,
        ])
    func noHiddenRepeat(_ answer: ReceiverAnswer) async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [.ok, answer])
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
        let result = try await fixture.send(.to(receiver), body: Array("second".utf8))
        #expect(result.outcome.errorCode == .connectionReset)
        #expect(result.timings.reusedConnection)
        #expect(receiver.requests.map(\.text) == ["hello", "second"])
        #expect(try await fixture.send(.to(receiver), body: Array("third".utf8)).outcome.answer?.status == 200)
        #expect(receiver.requests.map(\.text) == ["hello", "second", "third"])
    }

    @Test("A kept connection that dies under the next request fails that attempt alone")
    func dyingKeptConnection() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [.okThenResetNext])
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
        #expect(try await fixture.send(.to(receiver)).outcome.errorCode == .connectionReset)
        #expect(receiver.requests.count == 1)
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
    }

    @Test("A kept connection that the server has closed is not used")
    func closedKeptConnection() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [.status(200, then: .close)])
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
        // The close travels apart from the answer; a request to another endpoint gives it the time.
        for _ in 0..<3 { _ = try await fixture.send(.to(receiver, id: 3)) }
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
    }

    @Test("A port without a listener refuses")
    func refused() async throws {
        let receiver = try ScriptedReceiver()
        let route = CourierRoute.to(receiver)
        receiver.stop()
        let fixture = try PoolFixture()
        // The receiver's thread closes its socket in its own time.
        var result = try await fixture.send(route)
        for _ in 0..<100 where result.outcome.errorCode != .connectionRefused { result = try await fixture.send(route) }
        #expect(result.outcome == .failed(.connectionRefused, detail: "connection refused"))
        #expect(result.remoteAddress == .loopback)
    }

    @Test("Speaking TLS to a server that does not is a TLS failure")
    func notTLS() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        let result = try await fixture.send(.to(receiver, scheme: "https"))
        #expect(result.outcome == .failed(.tlsFailure, detail: "the TLS handshake failed: wrong version number"))
        #expect(receiver.requests.isEmpty)
    }
}
