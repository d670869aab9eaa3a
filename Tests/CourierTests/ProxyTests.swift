import Courier
import Outbox
import TestSupport
import Testing

/// Requests through a proxy of each kind, and what comes of one that fails.
@Suite("Proxy", .timeLimit(.minutes(1)))
struct ProxyTests {
    private let proxy: ScriptedProxy
    private let receiver: ScriptedReceiver

    init() throws {
        proxy = try ScriptedProxy()
        receiver = try ScriptedReceiver()
    }

    private func fixture(
        _ url: String? = nil, names: ScriptedNameServer? = nil, roots: String? = nil,
        judge: @escaping @Sendable (IPAddress) -> Bool = { $0.isLoopback }
    ) throws -> PoolFixture {
        let egress = try #require(EgressProxy(url ?? proxy.url()))
        return try PoolFixture(
            couriers: 1, names: names,
            configure: {
                $0.proxy = egress
                $0.trustedRootsFile = roots
            }, judge: judge)
    }

    /// By a name that no name server of ours knows.
    private func route(_ id: Int32 = 1, timeout: Duration = .seconds(10)) -> CourierRoute {
        .to(receiver, id: id, name: "only.proxy.knows", timeout: timeout)
    }

    @Test("Names are resolved by the proxy, and a connection through it is kept", arguments: ["http", "socks5h"])
    func relays(scheme: String) async throws {
        let fixture = try fixture(proxy.url(scheme))
        for _ in 0..<3 { #expect(try await fixture.send(route()).outcome.answer?.status == 200) }
        #expect(proxy.asked == [.init(target: "only.proxy.knows:\(receiver.port)", credentials: nil)])
        #expect(receiver.violations.isEmpty && receiver.requests.count == 3)
        #expect(receiver.requests[0].header("host") == "only.proxy.knows:\(receiver.port)")
        await fixture.pool.close()
    }

    @Test("Credentials go to the proxy and to no one else", arguments: ["http", "socks5h"])
    func credentials(scheme: String) async throws {
        let guarded = try ScriptedProxy(credentials: "us:p@ss")
        let fixture = try fixture(guarded.url(scheme, credentials: "us:p%40ss"))
        #expect(try await fixture.send(route()).outcome.answer?.status == 200)
        #expect(guarded.asked.first?.credentials != nil)
        #expect(receiver.requests[0].headers.allSatisfy { !$0.name.lowercased().hasPrefix("proxy") })
        await fixture.pool.close()
        for wrong in [guarded.url(scheme), guarded.url(scheme, credentials: "us:canary")] {
            let fixture = try self.fixture(wrong)
            let outcome = try await fixture.send(route()).outcome
            #expect(outcome.errorCode == .proxyError && !"\(outcome)".contains("canary"), "\(outcome)")
            await fixture.pool.close()
        }
        #expect(receiver.requests.count == 1)
    }

    @Test("The proxy's own name is resolved here, and it may be anywhere; addresses in URLs are judged as ever")
    func names() async throws {
        let names = try ScriptedNameServer(["proxy.internal": [.addresses([.loopback])]])
        let fixture = try fixture(proxy.url(host: "proxy.internal"), names: names, judge: { _ in false })
        #expect(try await fixture.send(route()).outcome.answer?.status == 200)
        let blocked = try await fixture.send(.to(receiver, id: 2))
        #expect(blocked.outcome.errorCode == .blockedAddress && blocked.blockedAddress == .loopback)
        await fixture.pool.close()
        let gone = try self.fixture(proxy.url(host: "gone.internal"), names: try ScriptedNameServer([:]))
        #expect(try await gone.send(route()).outcome.errorCode == .proxyError)
        await gone.pool.close()
    }

    @Test(
        "What it refuses is its own fault, unless it lets others through: then it is the endpoint's",
        arguments: ["http", "socks5h"])
    func refusals(scheme: String) async throws {
        for (status, reply) in [(502, 1), (503, 4), (504, 3), (403, 2), (500, 5)] {
            let fixture = try fixture(proxy.url(scheme))
            proxy.behave(.refuse(status: status, reply: UInt8(reply)), to: "bad.example:80")
            let bad = CourierRoute(
                id: 7, revision: 1, url: "http://bad.example/", host: .name("bad.example"), port: 80,
                timeout: .seconds(5), connectTimeout: .seconds(5), fixedHeaders: HeaderLines())
            #expect(try await fixture.send(bad).outcome.errorCode == .proxyError, "\(status)")
            #expect(try await fixture.send(route()).outcome.answer?.status == 200)
            let code = try await fixture.send(bad).outcome.errorCode
            #expect(code == .networkUnreachable || code == .connectionRefused, "\(status)")
            await fixture.pool.close()
        }
    }

    @Test("One that is dead, hangs or hangs up is at fault", arguments: ["http", "socks5h"])
    func failures(scheme: String) async throws {
        let fixture = try fixture(proxy.url(scheme))
        proxy.behave(.hang)
        #expect(try await fixture.send(route(1, timeout: .milliseconds(300))).outcome.errorCode == .proxyError)
        proxy.behave(.close)
        let closed = try await fixture.send(route(2)).outcome
        #expect(closed.errorCode == .proxyError, "\(closed)")
        proxy.stop()
        #expect(try await fixture.send(route(3)).outcome.errorCode == .proxyError)
        try proxy.start()
        proxy.behave(.relay)
        #expect(try await fixture.send(route(3)).outcome.answer?.status == 200)
        await fixture.pool.close()
    }

    @Test("An endpoint behind it that fails is an endpoint that fails")
    func endpointsFault() async throws {
        let fixture = try fixture()
        receiver.answer(with: .hang)
        #expect(try await fixture.send(route(timeout: .milliseconds(300))).outcome.errorCode == .timeout)
        receiver.answer(with: .closeWithoutAnswer)
        #expect(try await fixture.send(route()).outcome.errorCode == .connectionReset)
        receiver.answer(with: .status(503))
        #expect(try await fixture.send(route()).outcome.answer?.status == 503)
        await fixture.pool.close()
    }

    @Test(
        "TLS goes through, and TLS to the proxy is its own matter",
        .enabled(if: TLSServer.isAvailable, "the openssl command is missing"))
    func overTLS() async throws {
        let folder = try TemporaryFolder()
        let certificate = try await TLSServer.certificate(for: "tls.example", in: folder.url)
        let server = try await TLSServer(certificate: certificate)
        func route(_ id: Int32) -> CourierRoute {
            CourierRoute(
                id: id, revision: 1, url: "https://tls.example:\(server.port)/hook", host: .name("tls.example"),
                port: server.port, timeout: .seconds(5), connectTimeout: .seconds(5), fixedHeaders: HeaderLines())
        }
        for scheme in ["http", "socks5h"] {
            let fixture = try fixture(proxy.url(scheme), roots: certificate)
            let outcome = try await fixture.send(route(1)).outcome
            #expect(outcome.answer?.status == 200, "\(scheme) \(outcome)")
            await fixture.pool.close()
            let doubtful = try self.fixture(proxy.url(scheme))
            let code = try await doubtful.send(route(2)).outcome.errorCode
            #expect(code == .tlsFailure, "\(scheme)")
            await doubtful.pool.close()
        }
        // A proxy whose certificate is not trusted, and one that does not speak TLS.
        for port in [server.port, proxy.port] {
            let fixture = try fixture("https://127.0.0.1:\(port)")
            let outcome = try await fixture.send(route(3)).outcome
            #expect(outcome.errorCode == .proxyError, "\(outcome)")
            await fixture.pool.close()
        }
    }

    @Test("Reaching is by the same way, and the proxy itself can be reached for")
    func reach() async throws {
        let egress = try #require(EgressProxy(proxy.url()))
        let probe = ReachProbe(proxy: egress) { _ in false }
        let url = try EndpointURL("http://only.proxy.knows:\(receiver.port)/")
        #expect(await probe.reach([ReachRequest(url)]) == [.reached(expiresAt: nil)])
        #expect(proxy.asked.count == 1)
        proxy.stop()
        guard case .failed(.proxyError, _) = await probe.reach([ReachRequest(url)]).first else {
            Issue.record("a dead proxy is no proxy_error")
            return
        }
        let direct = await ReachProbe { _ in true }.reach([ReachRequest(egress)])
        #expect(direct == [.failed(.connectionRefused, detail: "connection refused")])
    }
}
