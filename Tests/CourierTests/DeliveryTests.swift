import Courier
import Outbox
import TestSupport
import Testing

@Suite("Making requests", .timeLimit(.minutes(1)))
struct DeliveryTests {
    @Test("A request arrives as it was given, and its answer comes back")
    func roundTrip() async throws {
        let receiver = try ScriptedReceiver(answer: .status(202, headers: [("Retry-After", " 120 ")], body: "thanks"))
        let fixture = try PoolFixture()
        let route = CourierRoute.to(
            receiver, path: "/a/../b?x=%0d%0a", headers: [("User-Agent", "Postrider/1"), ("X-Empty", "")])
        let request = TestRequest(
            route, body: [0, 255, 10, 13], headers: [("webhook-id", "evt_1"), ("Content-Type", "text/plain")])
        let began = ContinuousClock.now
        let result = try await fixture.send(request)

        #expect(result.request === request)
        #expect(
            result.outcome
                == .answered(CourierAnswer(status: 202, retryAfter: ["120"], bodyPrefix: Array("thanks".utf8))))
        #expect(result.remoteAddress == .loopback)
        #expect(!result.timings.reusedConnection)
        #expect(result.timings.total >= result.timings.firstByte)
        let received = try #require(receiver.requests.first)
        #expect(received.method == "POST")
        #expect(received.path == "/a/../b?x=%0d%0a")
        #expect(received.body == [0, 255, 10, 13])
        #expect(received.header("host") == "127.0.0.1:\(receiver.port)")
        #expect(
            received.headers.map(\.name).sorted() == [
                "Content-Length", "Content-Type", "Host", "User-Agent", "X-Empty", "webhook-id", "webhook-timestamp",
            ])
        #expect(received.header("content-type") == "text/plain")
        let timestamp = try #require(received.header("webhook-timestamp").flatMap { Int64($0) })
        #expect(abs(SystemClock.wallMicroseconds() / 1_000_000 - timestamp) <= 1)
        #expect(result.startedAt >= began && result.startedAt <= .now)
        #expect(receiver.violations.isEmpty)
    }

    @Test("An empty body is sent with a length of 0")
    func emptyBody() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver), body: []).outcome.answer?.status == 200)
        #expect(receiver.requests.first?.header("content-length") == "0")
    }

    @Test("A large body arrives whole")
    func largeBody() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        #expect(try await fixture.send(.to(receiver), body: body).outcome.answer?.status == 200)
        #expect(receiver.requests.first?.body == body)
    }

    @Test("Connections are kept and used again")
    func keepAlive() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        for number in 0..<5 {
            let result = try await fixture.send(.to(receiver))
            #expect(result.outcome.answer?.status == 200)
            #expect(result.timings.reusedConnection == (number > 0))
        }
        #expect(receiver.connectionCount == 1)
    }

    @Test("Two endpoints with one host do not share a connection, nor do two revisions")
    func separateConnections() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["shared.example": [.addresses([.loopback])]])
        let fixture = try PoolFixture(couriers: 1, names: names)
        func route(_ id: Int32, revision: Int32 = 1) -> CourierRoute {
            .to(receiver, id: id, revision: revision, name: "shared.example")
        }
        for route in [route(1), route(2), route(1, revision: 2)] {
            #expect(try await fixture.send(route).timings.reusedConnection == false)
        }
        #expect(receiver.connectionCount == 3)
        #expect(try await fixture.send(route(2)).timings.reusedConnection)
    }

    @Test("A thousand requests to five endpoints get one result each")
    func manyRequests() async throws {
        let receivers = try (0..<5).map { _ in try ScriptedReceiver() }
        let fixture = try PoolFixture(couriers: 2) { $0.maximumInFlight = 64 }
        let routes = receivers.enumerated().map { CourierRoute.to($1, id: Int32($0)) }
        let requests = (0..<1000).map { TestRequest(routes[$0 % 5], number: $0, body: Array("\($0)".utf8)) }
        for start in stride(from: 0, to: 1000, by: 100) { fixture.pool.submit(Array(requests[start..<(start + 100)])) }
        let results = try await fixture.log.wait(for: 1000)
        #expect(results.allSatisfy { $0.outcome.answer?.status == 200 })
        #expect(Set(results.compactMap { ($0.request as? TestRequest)?.number }).count == 1000)
        #expect(results.count == 1000)
        #expect(receivers.map(\.requests.count) == [200, 200, 200, 200, 200])
        #expect(Set(receivers.flatMap(\.requests).map(\.text)).count == 1000)
        #expect(receivers.map(\.connectionCount).reduce(0, +) <= 320, "more than could be in flight")
        #expect(receivers.flatMap(\.violations).isEmpty)
        #expect(fixture.pool.inFlight == 0)
    }

    @Test("No more requests than allowed are in flight at once")
    func boundedInFlight() async throws {
        let receiver = try ScriptedReceiver(answer: .hang)
        let fixture = try PoolFixture(couriers: 1) { $0.maximumInFlight = 3 }
        fixture.pool.submit((0..<6).map { TestRequest(.to(receiver), number: $0) })
        try await receiver.waitForRequests(3)
        #expect(fixture.pool.inFlight == 6)
        fixture.pool.cancelAll()
        let results = try await fixture.log.wait(for: 6)
        #expect(results.filter { $0.outcome == .interrupted }.count == 3)
        #expect(results.filter { $0.outcome == .notSent(.cancelled) }.count == 3)
    }

    @Test(
        "A header that would frame the request differently stops it",
        arguments: [
            ("Transfer-Encoding", "chunked"), ("host", "example.com"), ("X", "a\r\nY: b"), ("X Y", "a"),
            ("CONTENT-LENGTH", "0"),
            ("X", "a\u{0}"), ("X", "é"), ("", "x"),
        ])
    func forbiddenHeader(_ name: String, _ value: String) async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        let result = try await fixture.send(TestRequest(.to(receiver), headers: [(name, value)]))
        #expect(result.outcome.errorCode == .internalError)
        #expect(receiver.connectionCount == 0)
    }

    @Test("A request whose headers cannot be made is refused with its reason, and what follows goes out")
    func refused() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(couriers: 1) { $0.maximumInFlight = 1 }
        let refusal = RequestRefusal(.secretUnavailable, "the request cannot be signed")
        fixture.pool.submit(
            (0..<3).map {
                TestRequest(
                    .to(receiver), number: $0, headers: [("webhook-id", "evt_\($0)")], refusal: $0 < 2 ? refusal : nil)
            })
        let results = try await fixture.log.wait(for: 3)
        let refused = CourierOutcome.failed(.secretUnavailable, detail: "the request cannot be signed")
        #expect(results.prefix(2).map(\.outcome) == [refused, refused])
        #expect(results.prefix(2).allSatisfy { $0.remoteAddress == nil })
        #expect(results.last?.outcome.answer?.status == 200)
        #expect(receiver.requests.map { $0.header("webhook-id") } == ["evt_2"])
        #expect(receiver.connectionCount == 1)
        #expect(fixture.pool.inFlight == 0)
    }
}
