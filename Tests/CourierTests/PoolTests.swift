import Glibc
import TestSupport
import Testing

@testable import Courier

@Suite("Sharing work out")
struct PoolTests {
    @Test(
        "An endpoint stays with its courier until that is much busier than another",
        arguments: [
            (Int32(0), [0, 0], 0), (1, [0, 0], 1), (2, [16, 0], 0), (2, [17, 0], 1), (3, [5, 90, 4], 0),
            (Int32.min, [0, 0, 0], 2),
            (-1, [100, 100, 3], 2), (7, [3], 0),
        ])
    func sharing(_ endpoint: Int32, _ loads: [Int], _ expected: Int) {
        #expect(CourierPool.courier(for: endpoint, loads: loads) == expected)
    }

    @Test(
        "Connections take no more than half of the descriptors",
        arguments: [
            (UInt64(0), 16), (64, 32), (1024, 512), (1_048_576, 4096), (UInt64.max, 4096),
        ])
    func connections(_ descriptors: UInt64, _ expected: Int) {
        #expect(CourierConfiguration.connections(descriptors: descriptors) == expected)
    }

    @Test(
        "Durations become what libcurl takes",
        arguments: [
            (Duration.seconds(15), 15_000), (.nanoseconds(1), 1), (.milliseconds(-5), 1), (.zero, 1),
            (.seconds(Int64.max), 2_000_000_000), (.microseconds(1500), 2),
        ])
    func durations(_ duration: Duration, _ expected: Int) {
        #expect(EasyHandle.milliseconds(duration) == expected)
        #expect(EasyHandle.seconds(.seconds(Int64.max)) == 2_000_000)
    }

    @Test("A batch that is begun in many rounds is begun to its end, though no socket has anything to tell")
    func manyRounds() async throws {
        let receiver = try ScriptedReceiver()
        let names = try ScriptedNameServer(["dead.example": [.silence]])
        let fixture = try PoolFixture(couriers: 1, names: names) { $0.startsPerRound = 1 }
        let waiting = (0..<20).map { TestRequest(.to(receiver, id: 9, name: "dead.example"), number: $0) }
        fixture.pool.submit(waiting + [TestRequest(.to(receiver), number: 20)])
        try await receiver.waitForRequests(1)
        await fixture.pool.close()
    }

    @Test("A request that passes others begins before those that came with it")
    func passing() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(couriers: 1) { $0.maximumInFlight = 1 }
        let requests = (0..<20).map { number in
            TestRequest(
                .to(receiver, id: Int32(number)), number: number, headers: [("webhook-id", "evt_\(number)")],
                passesOthers: number == 19)
        }
        fixture.pool.submit(requests)
        _ = try await fixture.log.wait(for: 20)
        #expect(receiver.requests.map { $0.header("webhook-id") } == ([19] + (0..<19)).map { "evt_\($0)" })
        #expect(fixture.pool.queued == 0)
        await fixture.pool.close()
    }

    @Test("Busy and idle connections together are no more than the limit")
    func busyAndIdle() async throws {
        let receiver = try ScriptedReceiver()
        receiver.answer(path: "/silent", with: .hang)
        let fixture = try PoolFixture(couriers: 1) {
            $0.maximumConnections = 8
            $0.maximumInFlight = 8
        }
        for id in Int32(1)...6 { _ = try await fixture.send(.to(receiver, id: id)) }
        #expect(Self.connections(to: receiver.port) == 6)
        fixture.pool.submit((Int32(11)...18).map { TestRequest(.to(receiver, id: $0, path: "/silent")) })
        try await receiver.waitForRequests(14)
        #expect(Self.connections(to: receiver.port) == 8)
        await fixture.pool.close()
    }

    /// How many sockets of this process are connected to a port.
    private static func connections(to port: UInt16) -> Int {
        (Int32(0)..<4096).count { descriptor in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let code = withUnsafeMutableBytes(of: &address) { bytes in
                getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            return code == 0 && address.sin_family == AF_INET && address.sin_port == port.bigEndian
        }
    }

    @Test("With more endpoints than connections are kept for, those that are busy keep theirs")
    func moreEndpointsThanConnections() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(couriers: 1) { $0.maximumConnections = 2 }
        for id in Int32(1)...4 {
            #expect(try await fixture.send(.to(receiver, id: id)).timings.reusedConnection == false)
        }
        for id in Int32(1)...2 {
            #expect(try await fixture.send(.to(receiver, id: id)).timings.reusedConnection)
            // libcurl knows by the millisecond which one has been idle for longest.
            try await Task.sleep(for: .milliseconds(20))
        }
        // Its second request within a second: it is worth a connection, in place of the one that was idle longest.
        #expect(try await fixture.send(.to(receiver, id: 3)).timings.reusedConnection == false)
        #expect(try await fixture.send(.to(receiver, id: 3)).timings.reusedConnection)
        #expect(try await fixture.send(.to(receiver, id: 2)).timings.reusedConnection)
        await fixture.pool.close()
    }
}
