import Dispatch
import Outbox
import Testing

@testable import Courier

@Suite("Looking names up at a name server", .timeLimit(.minutes(1)))
struct NameLookUpTests {
    private static let a = IPAddress.v4(0x7F00_0001)
    private static let b = IPAddress.v4(0x7F00_0002)
    private static let c = IPAddress.v6(high: 0, low: 1)
    private static let isPrivate: @Sendable (IPAddress) -> Bool = { $0 == .v6(high: 0xFD00 << 48, low: 1) }

    /// A pool that asks `server`; nothing that it learns is kept longer than a test wants.
    private static func pool(
        _ server: ScriptedNameServer, couriers: Int = 1,
        configure: (inout CourierConfiguration.Names) -> Void = { _ in }
    ) throws -> CourierPool {
        var configuration = CourierConfiguration()
        configuration.couriers = couriers
        configuration.names = server.settings
        configure(&configuration.names)
        return try CourierPool(configuration: configuration, judge: { !isPrivate($0) }) { _ in }
    }

    private static func texts(_ answer: NameAnswer) -> [String] {
        switch answer {
        case .vetted(let vetted): vetted.addresses.map(\.description)
        case .blocked(let address): ["blocked \(address)"]
        case .failed(let error): [error.description]
        }
    }

    private static let answers: [(String, ScriptedNameServer.Answer, [String])] = [
        ("both families", .addresses([a, c, b]), ["::1", "127.0.0.1", "127.0.0.2"]),
        ("one family only", .addresses([a]), ["127.0.0.1"]),
        ("the other family only", .addresses([c]), ["::1"]),
        ("an alias", .alias("other.example", timeToLive: 9, [a, b]), ["127.0.0.1", "127.0.0.2"]),
        ("duplicates", .addresses([a, b, a, b]), ["127.0.0.1", "127.0.0.2"]),
        ("no address", .addresses([]), ["the name has no address"]),
        ("an alias of nothing", .alias("other.example", timeToLive: 9, []), ["the name has no address"]),
        ("no such name", .notFound, ["the name does not exist"]),
        ("failing servers", .serverFailure, ["the name servers failed or cannot be reached"]),
        ("refusing servers", .refused, ["the name servers failed or cannot be reached"]),
        ("noise", .noise, ["no answer from the name servers in time"]),
        ("silence", .silence, ["no answer from the name servers in time"]),
        (
            "a private address of the other family",
            .families(v4: .addresses([a]), v6: .addresses([.v6(high: 0xFD00 << 48, low: 1)])), ["blocked fd00::1"]
        ),
        ("one family that fails", .families(v4: .addresses([a]), v6: .serverFailure), ["127.0.0.1"]),
        ("one family that is silent", .families(v4: .silence, v6: .addresses([c])), ["::1"]),
        (
            "one family without addresses", .families(v4: .addresses([]), v6: .serverFailure),
            ["the name servers failed or cannot be reached"]
        ),
    ]

    @Test("Each kind of answer", arguments: answers)
    func answer(_ kind: String, _ answer: ScriptedNameServer.Answer, _ expected: [String]) async throws {
        let server = try ScriptedNameServer(["x.example": [answer]])
        let pool = try Self.pool(server) {
            $0.budget = .milliseconds(600)
            $0.otherFamilyPatience = .milliseconds(50)
        }
        let found = Self.texts(await pool.answer(for: .name("x.example")))
        #expect(found == expected || Set(found) == Set(expected) && kind == "both families", "\(kind)")
        await pool.close()
        #expect(Set(server.names) == ["x.example"], "no search domain is tried")
    }

    @Test("An answer that does not fit into a datagram comes over TCP, and every address is judged")
    func manyAddresses() async throws {
        let many = (1...1000).map { IPAddress.v4(0x7F00_0000 + UInt32($0)) }
        let forbidden = IPAddress.v6(high: 0xFD00 << 48, low: 1)
        let server = try ScriptedNameServer([
            "many.example": [.addresses(many)],
            "bad.example": [.addresses((2...1000).map { .v6(high: 0, low: $0) } + [forbidden])],
        ])
        let pool = try Self.pool(server)
        let answer = await pool.answer(for: .name("many.example"))
        #expect(Self.texts(answer) == many.prefix(16).map(\.description))
        #expect(server.streams == 1)
        #expect(Self.texts(await pool.answer(for: .name("bad.example"))) == ["blocked fd00::1"])
        await pool.close()
    }

    @Test("A family that is silent is not waited for long when the other has addresses")
    func silentFamily() async throws {
        let server = try ScriptedNameServer(["x.example": [.families(v4: .addresses([Self.a]), v6: .silence)]])
        let pool = try Self.pool(server) { $0.budget = .seconds(30) }
        let begun = ContinuousClock.now
        #expect(Self.texts(await pool.answer(for: .name("x.example"))) == ["127.0.0.1"])
        #expect(begun.duration(to: .now) < .seconds(4), "the silent one is asked for seven seconds")
        await pool.close()
    }

    @Test("Endpoints of all couriers wait for one look-up of their name")
    func oneLookUp() async throws {
        let server = try ScriptedNameServer([
            "x.example": [.late(.milliseconds(100), .addresses([.v6(high: 0xFD00 << 48, low: 1)]))]
        ])
        let fixture = try PoolFixture(couriers: 2, names: server)
        let routes = ScriptedRoute(port: 9)
        fixture.pool.submit((0..<40).map { TestRequest(routes.route(id: Int32($0), name: "x.example"), number: $0) })
        let results = try await fixture.log.wait(for: 40)
        #expect(results.allSatisfy { $0.outcome.errorCode == .blockedAddress })
        #expect(server.names == ["x.example"])
    }

    @Test("The time to live is the shortest of the addresses and the aliases before them")
    func timeToLive() throws {
        let question = NameQuestion(name: "x.example", family: .v4)
        func read(_ message: [UInt8]) -> Result<NameRecords, NameResolutionError> {
            message.withUnsafeBytes { NameRecords.read($0, status: 0, family: .v4) }
        }
        func records(_ seconds: Int) -> NameRecords { NameRecords(addresses: [Self.a], timeToLive: .seconds(seconds)) }
        #expect(try read(question.reply([Self.a], timeToLive: 0)).get() == records(0))
        #expect(try read(question.reply([Self.a], timeToLive: 1)).get() == records(1))
        #expect(try read(question.reply([Self.a], timeToLive: UInt32.max)).get() == records(0))
        #expect(try read(question.reply([Self.a], timeToLive: 60, alias: ("y.example", 7))).get() == records(7))
        let whole = question.reply([Self.a], timeToLive: 5)
        for count in 0..<whole.count {
            #expect(throws: NameResolutionError.self) { try read(Array(whole.prefix(count))).get() }
        }
    }

    @Test("A name is asked for again when its time to live is over, and not before")
    func again() async throws {
        let server = try ScriptedNameServer([
            "none.example": [.addresses([Self.a], timeToLive: 0)], "one.example": [.addresses([Self.a], timeToLive: 1)],
        ])
        let pool = try Self.pool(server) { $0.shortestLifetime = .zero }
        for _ in 0..<3 { _ = await pool.answer(for: .name("none.example")) }
        #expect(server.names == Array(repeating: "none.example", count: 3))
        let begun = ContinuousClock.now
        while server.names.filter({ $0 == "one.example" }).count < 2 {
            _ = await pool.answer(for: .name("one.example"))
        }
        #expect(begun.duration(to: .now) >= .milliseconds(740), "three quarters of a second")
        await pool.close()
    }

    @Test("The hosts file comes first and its changes are seen; localhost is this machine without it")
    func hosts() async throws {
        let server = try ScriptedNameServer([:])
        let pool = try Self.pool(server) { $0.failureLifetime = .zero }
        #expect(Self.texts(await pool.answer(for: .name("localhost"))) == ["127.0.0.1", "::1"])
        #expect(Self.texts(await pool.answer(for: .name("shop.example"))) == ["the name does not exist"])
        try server.write(hosts: "127.0.0.9 shop.example")
        #expect(Self.texts(await pool.answer(for: .name("shop.example"))) == ["127.0.0.9"])
        #expect(server.names == ["shop.example"])
        await pool.close()
    }

    @Test("When the file that names the servers changes, the new ones are asked")
    func otherServers() async throws {
        let server = try ScriptedNameServer(["x.example": [.addresses([Self.a])]])
        let pool = try Self.pool(server) {
            $0.failureLifetime = .zero
            $0.channelAge = .zero
            $0.serverTimeout = .milliseconds(100)
        }
        try server.use("127.0.0.3")
        guard case .failed = await pool.answer(for: .name("x.example")) else {
            Issue.record("no server listens there")
            return
        }
        try server.use("127.0.0.1")
        #expect(Self.texts(await pool.answer(for: .name("x.example"))) == ["127.0.0.1"])
        await pool.close()
    }

    @Test("A healthy name is found at once beside hundreds whose servers are silent", arguments: [1, 2])
    func crowd(couriers: Int) async throws {
        let server = try ScriptedNameServer(["*.silent.example": [.silence], "*.good.example": [.addresses([Self.a])]])
        let pool = try Self.pool(server, couriers: couriers) { $0.budget = .seconds(3) }
        await withTaskGroup(of: [String].self) { group in
            for number in 0..<300 {
                group.addTask { Self.texts(await pool.answer(for: .name("z\(number).silent.example"))) }
            }
            while server.names.count < 300 { await Task.yield() }
            for number in 0..<20 {
                let begun = ContinuousClock.now
                #expect(Self.texts(await pool.answer(for: .name("n\(number).good.example"))) == ["127.0.0.1"])
                #expect(begun.duration(to: .now) < .milliseconds(500), "the silent ones are waited for three seconds")
            }
            for await texts in group { #expect(texts == ["no answer from the name servers in time"]) }
        }
        await pool.close()
    }

    @Test("When too many look-ups run, the oldest give way to new ones")
    func tooMany() async throws {
        let server = try ScriptedNameServer(["*.silent.example": [.silence], "good.example": [.addresses([Self.a])]])
        let pool = try Self.pool(server) { $0.maximumLookUps = 64 }
        await withTaskGroup(of: (Int, [String]).self) { group in
            for number in 0..<64 {
                group.addTask { (number, Self.texts(await pool.answer(for: .name("z\(number).silent.example")))) }
                while server.names.count <= number { await Task.yield() }
            }
            #expect(Self.texts(await pool.answer(for: .name("good.example"))) == ["127.0.0.1"])
            await pool.close()
            for await (number, texts) in group {
                #expect(texts == [number < 8 ? "too many names wait to be resolved" : "the look-up was given up"])
            }
        }
    }

    @Test("Closing does not wait for look-ups")
    func closing() async throws {
        let server = try ScriptedNameServer(["*.silent.example": [.silence]])
        let fixture = try PoolFixture(couriers: 2, names: server)
        let routes = ScriptedRoute(port: 9)
        fixture.pool.submit(
            (0..<100).map { TestRequest(routes.route(id: Int32($0), name: "z\($0).silent.example"), number: $0) })
        while server.names.count < 100 { await Task.yield() }
        let begun = ContinuousClock.now
        await fixture.pool.close()
        #expect(begun.duration(to: .now) < .seconds(2))
        #expect(fixture.log.results.map(\.outcome) == Array(repeating: .notSent(.cancelled), count: 100))
    }
}

/// Routes to a port that need no receiver.
private struct ScriptedRoute {
    let port: UInt16

    func route(id: Int32, name: String) -> CourierRoute {
        CourierRoute(
            id: id, revision: 1, url: "http://\(name):\(port)/", host: .name(name), port: port, timeout: .seconds(20),
            connectTimeout: .seconds(5), fixedHeaders: HeaderLines([("Content-Type", "application/json")]))
    }
}
