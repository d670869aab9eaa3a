import Courier
import Doors
import Foundation
import Logging
import Outbox
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry
import TestSupport
import Webhooks

@testable import Server

/// A process that receives, with a database of its own, as a role that may do no more than it has to.
struct DoorRig: Sendable {
    static let token = "canary-token"
    static let bearer = "Authorization: Bearer \(token)"
    /// Of Standard Webhooks.
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    let address: ListenAddress
    let outbox: TestOutbox
    let registry: PrometheusRegistry
    let group: ServiceGroup

    private static let numbers = Atomic(0)

    /// - Parameters:
    ///   - sources: the arguments of `postrider.add_source`, one source each.
    ///   - limits: what a sender may cost.
    ///   - drain: how long it may take to stop.
    static func with(
        _ sources: String..., limits: ConnectionLimits = ConnectionLimits(), drain: Duration = .seconds(5),
        _ body: @Sendable (DoorRig) async throws -> Void
    ) async throws {
        try await TestOutbox.withOutbox { outbox in
            for source in sources {
                _ = try await outbox.connection.query("SELECT postrider.add_source(\(source))", deadline: .seconds(5))
            }
            let role = "door_\(numbers.add(1, ordering: .relaxed).newValue)"
            _ = try await outbox.connection.query(
                "CREATE ROLE \(role) LOGIN IN ROLE postrider_receiver", deadline: .seconds(5))
            let url = outbox.database.url.replacing(
                "postgresql://postgres@", with: "postgresql://\(role)@", maxReplacements: 1)
            var configuration = WorkerConfiguration()
            configuration.healthListen = .loopback(port: 0)
            configuration.drainTimeout = drain
            let registry = PrometheusRegistry(describing: MetricDescription.inbox)
            let (opened, opening) = AsyncStream.makeStream(of: ListenAddress.self)
            let services = try ServeServices(
                configuration,
                doors: .init(inbox: .loopback(port: 0), randomBytes: { [UInt8](repeating: 0, count: $0) }),
                database: PostgresConfiguration(url, applicationName: "door"),
                version: "test", limits: limits, registry: registry, log: .silent,
                wallClock: SystemClock.wallMicroseconds, opened: { opening.yield($0) })
            let group = ServiceGroup(services: services.all, logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var addresses = opened.makeAsyncIterator()
                guard let address = await addresses.next() else { return }
                let rig = DoorRig(address: address, outbox: outbox, registry: registry, group: group)
                try await rig.waitUntilReady()
                try await body(rig)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    /// The headers of a request that is signed with the secret.
    static func signed(
        _ id: String, _ body: String, at time: Double = Date.now.timeIntervalSince1970
    ) throws -> [String] {
        let signer = try WebhookSigner(secrets: [WebhookSecret(secret, byteCounts: WebhookSecret.legacyByteCounts)])
        let signature = try signer.signature(id: id, timestamp: Int64(time), body: Array(body.utf8))
        return ["webhook-id: \(id)", "webhook-timestamp: \(Int64(time))", "webhook-signature: \(signature)"]
    }

    func waitUntilReady() async throws {
        try await until("the sources are read") { try await post("no-source").status == 404 }
    }

    /// A request to a source.
    func post(_ source: String, _ headers: [String] = [bearer], _ body: String = "{}") async throws -> DoorClient.Reply
    {
        try await DoorClient.send("POST", "/in/\(source)", to: address, headers, Array(body.utf8))
    }

    func value(_ sql: String) async throws -> String? {
        try await outbox.connection.query(sql, deadline: .seconds(5)).rows.first?.first ?? nil
    }
}
