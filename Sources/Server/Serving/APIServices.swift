import Doors
import Logging
import Outbox
import Postgres
import ServiceLifecycle
import Settings
import Telemetry
import Worker

/// What answers customers.
struct APIServices {
    let door: Door
    /// What runs behind it, to be stopped after it.
    let behind: [any Service]

    /// - Parameter isSecond: whether this process receives, too.
    init(
        at address: ListenAddress, _ database: PostgresConfiguration, isSecond: Bool,
        randomBytes: @escaping @Sendable (Int) -> [UInt8], _ parts: ServeParts
    ) throws {
        let pool = SessionPool((1...SessionPool.most).map { parts.session(database, "api \($0)") })
        let policy = EndpointPolicy(
            allowHTTP: parts.configuration.allowHTTP,
            addresses: AddressPolicy(allowed: parts.configuration.allowedNetworks))
        let desk = APIDesk(pool: pool, policy: policy, sealing: parts.sealing, randomBytes: randomBytes)
        door = try parts.door(
            "--api", at: address, APIResponder(desk, metrics: APIMetrics(registry: parts.registry), log: parts.log),
            saying: "the API listens")
        let connections = door.connections
        parts.registry.readGauge(MetricDescription.apiConnections.name) { Double(connections.count) }
        parts.registry.readCounter(MetricDescription.apiEndedConnections.name) { Double(connections.ended) }
        let watch = APIWatch(
            parts.session(database, APIWatch.loop), health: parts.health, isSecond: isSecond, log: parts.log,
            wallClock: parts.wallClock)
        behind = [pool, watch]
    }
}
