import Courier
import Outbox
import TestSupport
import Testing

@Suite("Addresses", .timeLimit(.minutes(1)))
struct AddressPolicyTests {
    private static let other = IPAddress.v4(0x7F00_0002)
    private static let metadata = IPAddress.v4(0xA9FE_A9FE)

    @Test("A forbidden address in the URL is not dialled")
    func literal() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(judge: { _ in false })
        let result = try await fixture.send(.to(receiver))
        #expect(result.outcome == .failed(.blockedAddress, detail: "an address of the host is not allowed"))
        #expect(result.blockedAddress == .loopback)
        #expect(receiver.connectionCount == 0)
    }

    @Test(
        "A name with a forbidden address is not dialled, even if others of its are allowed",
        arguments: [
            [metadata], [.loopback, metadata], [metadata, .loopback], [.loopback, .v6(high: 0, low: 1)],
            (0..<40).map { IPAddress.v4(0x7F00_0001 + $0) } + [metadata],
        ])
    func resolved(_ addresses: [IPAddress]) async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["mixed.example": [.addresses(addresses)]])
        let fixture = try PoolFixture(names: names)
        let result = try await fixture.send(.to(receiver, name: "mixed.example"))
        #expect(result.outcome.errorCode == .blockedAddress)
        #expect(result.blockedAddress?.isLoopback == false)
        #expect(receiver.connectionCount == 0)
    }

    @Test("A name leads to its addresses, keeps its place in Host, and is looked up once for many requests")
    func name() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["good.example": [.addresses([.loopback])]])
        let fixture = try PoolFixture(names: names)
        let route = CourierRoute.to(receiver, name: "good.example")
        fixture.pool.submit((0..<50).map { TestRequest(route, number: $0) })
        let results = try await fixture.log.wait(for: 50)
        #expect(results.allSatisfy { $0.outcome.answer?.status == 200 })
        #expect(receiver.requests.allSatisfy { $0.header("host") == "good.example:\(receiver.port)" })
        #expect(names.names == ["good.example"])
    }

    @Test("When the addresses change, the new ones are dialled and no older connection is used")
    func rebinding() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer([
            "moving.example": [
                .addresses([.loopback], timeToLive: 0), .addresses([.loopback], timeToLive: 0),
                .addresses([Self.other], timeToLive: 0), .addresses([Self.metadata], timeToLive: 0),
            ]
        ])
        let fixture = try PoolFixture(couriers: 1, names: names) {
            $0.names.shortestLifetime = .zero
        }
        let route = CourierRoute.to(receiver, name: "moving.example")
        var results: [CourierResult] = []
        for _ in 0..<4 { results.append(try await fixture.send(route)) }
        #expect(results.map(\.timings.reusedConnection) == [false, true, false, false])
        // The receiver listens on 127.0.0.1 only: a connection to the second address is refused, which shows that it was
        // dialled; one to the third would be answered if it had been taken from the connections kept.
        #expect(results.map(\.outcome.answer?.status) == [200, 200, nil, nil])
        #expect(results[2].outcome.errorCode == .connectionRefused)
        #expect(results[2].remoteAddress == Self.other)
        #expect(results[3].outcome.errorCode == .blockedAddress)
        #expect(receiver.connectionCount == 1)
        #expect(names.names.count == 4)
    }

    @Test("The second address is tried when the first refuses")
    func fallback() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["two.example": [.addresses([Self.other, .loopback])]])
        let fixture = try PoolFixture(names: names)
        let result = try await fixture.send(.to(receiver, name: "two.example"))
        #expect(result.outcome.answer?.status == 200)
        #expect(result.remoteAddress == .loopback)
    }

    @Test("A policy that turns against an address after it was vetted stops the dial")
    func secondWall() async throws {
        let receiver = try ScriptedReceiver()
        let judge = FickleJudge(yes: 1)
        let fixture = try PoolFixture(judge: { _ in judge.allows() })
        let result = try await fixture.send(.to(receiver))
        #expect(result.outcome.errorCode == .blockedAddress)
        #expect(receiver.connectionCount == 0)
    }

    @Test("A policy that turns against an address after it was dialled stops the request")
    func thirdWall() async throws {
        let receiver = try ScriptedReceiver()
        let judge = FickleJudge(yes: 2)
        let fixture = try PoolFixture(judge: { _ in judge.allows() })
        let result = try await fixture.send(.to(receiver))
        #expect(result.outcome.errorCode == .blockedAddress)
        #expect(receiver.requests.isEmpty)
    }

    @Test(
        "A name that fails is a failure to resolve",
        arguments: [
            (ScriptedNameServer.Answer.notFound, NameResolutionError.Code.notFound), (.serverFailure, .serverFailure),
        ])
    func failure(_ answer: ScriptedNameServer.Answer, _ code: NameResolutionError.Code) async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(names: try ScriptedNameServer(["bad.example": [answer]]))
        let result = try await fixture.send(.to(receiver, name: "bad.example"))
        #expect(result.outcome == .failed(.dnsFailure, detail: NameResolutionError(code).description))
    }

    @Test("A name server that never answers fails its own endpoint within the budget and holds up no other")
    func silence() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer([
            "dead.example": [.silence], "dead2.example": [.silence], "good.example": [.addresses([.loopback])],
        ])
        let fixture = try PoolFixture(names: names) { $0.names.budget = .milliseconds(400) }
        let dead = CourierRoute.to(receiver, id: 1, name: "dead.example")
        let begun = ContinuousClock.now
        fixture.pool.submit((0..<20).map { TestRequest(dead, number: $0) })
        fixture.pool.submit([TestRequest(.to(receiver, id: 2, name: "dead2.example", timeout: .milliseconds(150)))])
        fixture.pool.submit((0..<20).map { TestRequest(.to(receiver, id: 3, name: "good.example"), number: $0) })
        let results = try await fixture.log.wait(for: 41)
        #expect(begun.duration(to: .now) < .seconds(3))
        #expect(results.prefix(20).allSatisfy { $0.outcome.answer?.status == 200 }, "good names come first")
        #expect(results.filter { $0.outcome.errorCode == .dnsFailure }.count == 21)
        let short = try #require(results.first { $0.request.route.id == 2 })
        #expect(short.timings.total < 390_000, "an endpoint's own timeout is shorter than the budget")
        // For a moment the name fails at once and is not asked for again.
        let again = try await fixture.send(dead)
        #expect(again.outcome.errorCode == .dnsFailure)
        #expect(names.names.filter { $0 == "dead.example" }.count == 1)
    }
}

/// Says yes a few times, then no.
private final class FickleJudge: Sendable {
    private let left: Counter

    init(yes: Int) {
        left = Counter(yes)
    }

    func allows() -> Bool { left.decrement() >= 0 }
}
