import Courier
import CustomerAPI
import Doors
import Formats
import Logging
import Outbox
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry
import TestSupport

@testable import Server

/// A process that answers customers, with a database of its own, as a role that may do no more than it has to.
struct APIRig: Sendable {
    let address: ListenAddress
    let outbox: TestOutbox
    let registry: PrometheusRegistry
    let log: KeptLog
    let group: ServiceGroup
    let role: String

    private static let numbers = Atomic(0)

    /// - Parameters:
    ///   - keyFile: what seals secrets.
    ///   - inbox: whether the process receives, too.
    static func with(
        keyFile: String? = nil, inbox: Bool = false, limits: ConnectionLimits = ConnectionLimits(),
        _ body: @Sendable (APIRig, _ addresses: [ListenAddress]) async throws -> Void
    ) async throws {
        try await TestOutbox.withOutbox { outbox in
            let role = "api_\(numbers.add(1, ordering: .relaxed).newValue)"
            for (name, group) in [(role, "postrider_api"), ("\(role)_inbox", "postrider_receiver")] {
                try await outbox.script("CREATE ROLE \(name) LOGIN IN ROLE \(group)")
            }
            func database(_ role: String) throws -> PostgresConfiguration {
                try PostgresConfiguration(
                    outbox.database.url.replacing(
                        "postgresql://postgres@", with: "postgresql://\(role)@", maxReplacements: 1),
                    applicationName: "api")
            }
            var configuration = WorkerConfiguration()
            configuration.healthListen = .loopback(port: 0)
            configuration.drainTimeout = .seconds(5)
            let registry = PrometheusRegistry(describing: MetricDescription.inbox + MetricDescription.api)
            let log = KeptLog()
            let (opened, opening) = AsyncStream.makeStream(of: ListenAddress.self)
            let services = try ServeServices(
                configuration,
                doors: .init(
                    inbox: inbox ? .loopback(port: 0) : nil, api: .loopback(port: 0), apiDatabase: try database(role),
                    randomBytes: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } }),
                database: try database("\(role)_inbox"), version: "test",
                keyFile: keyFile.map { Redacted(Array($0.utf8)) }, limits: limits, registry: registry,
                log: Logger(label: "test") { _ in log }, wallClock: SystemClock.wallMicroseconds,
                opened: { opening.yield($0) })
            let group = ServiceGroup(services: services.all, logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var addresses: [ListenAddress] = []
                for await address in opened {
                    addresses.append(address)
                    if addresses.count == (inbox ? 2 : 1) { break }
                }
                var api = addresses[0]
                for address in addresses {
                    if try await DoorClient.send("GET", "/v1/openapi.json", to: address).status == 200 { api = address }
                }
                let rig = APIRig(
                    address: api, outbox: outbox, registry: registry, log: log, group: group, role: role)
                try await body(rig, addresses)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    /// A new token of a tenant.
    func token(_ name: String, of tenant: String, _ more: String = "") async throws -> String {
        let token = APIToken(bytes: (0..<APIToken.randomByteCount).map { _ in UInt8.random(in: 0...255) })
        try await outbox.script(
            "SELECT postrider.add_token('\(name)', '\(tenant)', '\\x\(Hexadecimal.encode(token.hash))'\(more))")
        return token.revealed
    }

    func ask(
        _ method: String, _ path: String, _ token: String?, _ body: String? = nil, _ headers: [String] = []
    ) async throws -> DoorClient.Reply {
        let proof = token.map { ["Authorization: Bearer \($0)"] } ?? []
        let type = body == nil ? [] : ["Content-Type: application/json"]
        return try await DoorClient.send(
            method, path, to: address, proof + type + headers, Array((body ?? "").utf8))
    }

    func value(_ sql: String) async throws -> String? {
        try await outbox.connection.query(sql, deadline: .seconds(5)).rows.first?.first ?? nil
    }
}

extension DoorClient.Reply {
    /// A member of the answer that is a text.
    func text(_ name: String) -> String? {
        guard case .string(let text)? = (try? JSONParser.parse(Array(body.utf8)))?[name] else { return nil }
        return text
    }

    func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

/// Keeps all that is logged.
struct KeptLog: LogHandler {
    private let lines = Kept()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    private final class Kept: Sendable {
        let all = Mutex<[String]>([])
    }

    var text: String { lines.all.withLock { $0.joined(separator: "\n") } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.all.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
}
