import Logging
import ServiceLifecycle
import Settings
import TestSupport
import Testing

@testable import Doors

@Suite("A door", .timeLimit(.minutes(1)))
struct DoorTests {
    private let keeper = TestKeeper()

    private func open(_ limits: ConnectionLimits = ConnectionLimits(), drain: Duration = .seconds(5)) throws -> Door {
        try Door(at: .loopback(port: 0), keeper, limits: limits, on: .one, drainTime: drain)
    }

    private func with(
        _ limits: ConnectionLimits = ConnectionLimits(), _ body: (DoorClient, Door) async throws -> Void
    ) async throws {
        let door = try open(limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await door.run() }
            let client = try DoorClient(door.address)
            defer { client.close() }
            try await body(client, door)
            group.cancelAll()
        }
    }

    private static func get(_ target: String, _ more: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\n\(more)\r\n"
    }

    @Test("one connection carries many requests, and each answer ends where it says")
    func several() async throws {
        try await with { client, _ in
            #expect(try await client.send("POST", "/echo", [], Array("abc".utf8)).body == "abc")
            #expect(try await client.send("POST", "/early", [], Array("abc".utf8)).status == 403)
            try await client.write(
                "HEAD /large?5 HTTP/1.1\r\nHost: x\r\n\r\n" + Self.get("/nothing") + Self.get("/echo"))
            #expect(try await client.statuses(3) == [200, 204, 200])
            #expect(try await client.send("POST", "/echo", [], [UInt8](repeating: 0x78, count: 1_001)).status == 413)
            #expect(keeper.faults == [.tooLarge] && keeper.judged == 6)
        }
    }

    @Test(
        "a connection ends with the answer where its sender wants it, or knows no other way", arguments: [true, false])
    func last(isOld: Bool) async throws {
        try await with { client, _ in
            try await client.write(
                isOld ? "GET /large?3 HTTP/1.0\r\n\r\n" : Self.get("/large?3", "Connection: te, close\r\n"))
            let answer = try await client.readToEnd()
            #expect(answer.hasSuffix("\r\nConnection: close\r\n\r\nxxx"))
        }
    }

    @Test("as many requests as one read can hold are answered in their order")
    func pipelined() async throws {
        try await with { client, _ in
            let count = 900
            try await client.write(String(repeating: "GET /early HTTP/1.1\r\n\r\n", count: count))
            #expect(try await client.statuses(count) == [Int](repeating: 403, count: count))
        }
    }

    @Test("who does not read gets no further answer, and all of them when they do")
    func slowReader() async throws {
        try await with { client, _ in
            let (count, size) = (100, 1 << 20)
            try await client.write(String(repeating: Self.get("/large?\(size)"), count: count))
            try await until("the first is answered") { keeper.judged > 0 }
            try await Task.sleep(for: .milliseconds(300))
            #expect(keeper.judged < 20)
            var bytes = 0
            while bytes < count * size { bytes += try await client.read(atMost: size).count }
            #expect(keeper.judged == count)
        }
    }

    @Test("a last answer is given whole to one who takes it late, and to one who has said that no more will come")
    func large() async throws {
        let size = 8 << 20
        var limits = ConnectionLimits()
        limits.requests = 1
        try await with(limits) { client, door in
            try await client.write(Self.get("/large?\(size)"))
            let other = try DoorClient(door.address)
            defer { other.close() }
            try await other.write(Self.get("/large?\(size)"))
            other.endSending()
            // Longer than a refused sender may go on.
            try await Task.sleep(for: .milliseconds(1_500))
            for client in [client, other] {
                #expect(try await client.readToEnd().utf8.count { $0 == 0x78 } >= size)
            }
        }
    }

    @Test("a body that its connection does not bring to its end is told as such, and answered no one")
    func incomplete() async throws {
        try await with { client, door in
            try await client.write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
            try await until("the head has come") { keeper.judged == 1 }
            client.close()
            try await until("the connection has gone") { door.connections.count == 0 }
            #expect(keeper.faults == [.incomplete] && door.connections.heldBytes == 0)
        }
    }

    @Test("a stop answers what has come, ends what only may come, and takes no more")
    func stops() async throws {
        let door = try open(drain: .seconds(30))
        let group = ServiceGroup(services: [door], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let (idle, asking) = (try DoorClient(door.address), try DoorClient(door.address))
            #expect(try await idle.send("POST", "/echo").status == 200)
            let half = try DoorClient(door.address)
            try await half.write("GET /echo HTTP/1.1\r\nHo")
            try await asking.write(Self.get("/later"))
            try await until("it waits for its answer") { keeper.waiting == 1 }
            let began = ContinuousClock.now
            await group.triggerGracefulShutdown()
            #expect(await idle.isClosed())
            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(throws: LoopbackSocket.Failure.self) { try DoorClient(door.address) }
            keeper.release()
            let answer = try await asking.readToEnd()
            #expect(answer.hasSuffix("\r\n\r\nlater"))
            try await tasks.waitForAll()
            for client in [idle, asking, half] { client.close() }
        }
    }

    @Test("a stop waits for no one longer than it may")
    func drainEnds() async throws {
        let door = try open(drain: .milliseconds(500))
        let group = ServiceGroup(services: [door], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let clients = [try DoorClient(door.address), try DoorClient(door.address)]
            try await clients[0].write(Self.get("/later"))
            try await clients[1].write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
            try await until("both have come") { keeper.judged == 2 }
            let began = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            #expect(ContinuousClock.now - began < .seconds(3))
            for client in clients { client.close() }
        }
    }

    @Test("an address that is taken is told as such, and is free when its door is gone")
    func addresses() async throws {
        let address: ListenAddress
        do {
            let door = try open()
            address = door.address
            let error = #expect(throws: ListenError.self) {
                try Door(at: address, keeper, on: .one, drainTime: .zero)
            }
            #expect(error?.isTaken == true && error?.address == address)
        }
        try await until("the port is free") {
            (try? Door(at: address, keeper, on: .one, drainTime: .zero)) != nil
        }
    }
}
