import Courier
import Outbox
import TestSupport

/// A pool, its results, and routes to receivers on this machine.
struct PoolFixture {
    let pool: CourierPool
    let log = ResultLog()
    /// Lives as long as the pool that asks it.
    private let names: ScriptedNameServer?

    /// - Parameter judge: the address policy; by default only this machine's own IPv4 addresses are allowed.
    init(
        couriers: Int = 2, names: ScriptedNameServer? = nil,
        configure: (inout CourierConfiguration) -> Void = { _ in },
        judge: @escaping @Sendable (IPAddress) -> Bool = { $0.isLoopback }
    ) throws {
        var configuration = CourierConfiguration()
        configuration.couriers = couriers
        self.names = names
        if let names { configuration.names = names.settings }
        configure(&configuration)
        pool = try CourierPool(
            configuration: configuration, judge: judge, deliver: { [log] in log.add($0) })
    }

    /// Makes one request and returns its result.
    func send(_ route: CourierRoute, body: [UInt8] = Array("hello".utf8)) async throws -> CourierResult {
        try await send(TestRequest(route, body: body))
    }

    /// Makes one request and returns its result.
    func send(_ request: TestRequest) async throws -> CourierResult {
        let before = log.results.count
        pool.submit([request])
        return try await log.wait(for: before + 1)[before]
    }
}

extension CourierRoute {
    /// A route to a receiver.
    static func to(
        _ receiver: ScriptedReceiver, id: Int32 = 1, revision: Int32 = 1, path: String = "/hook", name: String? = nil,
        scheme: String = "http", timeout: Duration = .seconds(10), connectTimeout: Duration = .seconds(5),
        headers: [(String, String)] = [("Content-Type", "application/json"), ("User-Agent", "Postrider/test")]
    ) -> CourierRoute {
        CourierRoute(
            id: id, revision: revision, url: receiver.url(path, host: name ?? "127.0.0.1", scheme: scheme),
            host: name.map { .name($0) } ?? .address(.v4(0x7F00_0001)), port: receiver.port, timeout: timeout,
            connectTimeout: connectTimeout, fixedHeaders: HeaderLines(headers))
    }
}

extension HeaderLines {
    init(_ headers: [(String, String)]) {
        self.init()
        for (name, value) in headers { append(name, value) }
    }
}

extension IPAddress {
    static let loopback = IPAddress.v4(0x7F00_0001)

    var isLoopback: Bool {
        if case .v4(let value) = self { value >> 24 == 127 } else { false }
    }
}

extension CourierOutcome {
    var answer: CourierAnswer? {
        if case .answered(let answer) = self { answer } else { nil }
    }

    var errorCode: ErrorCode? {
        if case .failed(let code, _) = self { code } else { nil }
    }
}
