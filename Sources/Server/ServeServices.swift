package import Doors
package import Logging
import Metrics
import Outbox
package import Postgres
package import ServiceLifecycle
package import Settings
package import Telemetry
import Worker

/// A process that serves, put together.
package struct ServeServices: Sendable {
    /// The longest wait between two tries to connect.
    private static let reconnecting = Backoff(cap: .seconds(1))
    /// On top of the drain timeout, for closing.
    private static let farewell = Duration.seconds(5)
    /// What is kept of the file descriptors for everything that is no connection of a door.
    private static let descriptorReserve = 64

    /// Which doors there are, each at an address of its own. One at least.
    package struct Doors: Sendable {
        package var inbox: ListenAddress?
        package var api: ListenAddress?
        /// As whom the API asks the database; nil for as the inbox does.
        package var apiDatabase: PostgresConfiguration?
        /// Fresh bytes of a cryptographic source.
        package var randomBytes: @Sendable (Int) -> [UInt8]

        package init(
            inbox: ListenAddress? = nil, api: ListenAddress? = nil, apiDatabase: PostgresConfiguration? = nil,
            randomBytes: @escaping @Sendable (Int) -> [UInt8]
        ) {
            self.inbox = inbox
            self.api = api
            self.apiDatabase = apiDatabase
            self.randomBytes = randomBytes
        }
    }

    /// To be stopped from the last to the first, each when the one after it has ended. None ends before it is told to stop.
    package let all: [any Service]
    /// How long stopping all of them takes at most.
    package let longestStop: Duration

    /// Puts a process together. Nothing runs yet, but the addresses are taken.
    ///
    /// - Parameters:
    ///   - keyFile: the content of the key file, if there is one.
    ///   - limits: of each door.
    ///   - opened: is told where each door is.
    package init(
        _ configuration: WorkerConfiguration, doors: Doors, database: PostgresConfiguration,
        version: String, keyFile: Redacted<[UInt8]>? = nil, limits: ConnectionLimits = ConnectionLimits(),
        registry: PrometheusRegistry, log: Logger,
        wallClock: @escaping @Sendable () -> Int64,
        opened: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws {
        let health = HealthState()
        health.showReasons(in: registry)
        registry.readGauge(MetricDescription.buildInfo.name, labels: [("version", version)]) { 1 }
        let reconnects = Counter(label: MetricDescription.databaseReconnects.name, dimensions: [], factory: registry)
        let count = doors.inbox != nil && doors.api != nil ? 2 : 1
        var shared = limits
        shared.connections = max(
            1, min(limits.connections, (DescriptorLimit.raise().count - Self.descriptorReserve) / count))
        let parts = ServeParts(
            configuration: configuration, limits: shared,
            sealing: try keyFile.map { try SecretSealing(keyFile: $0.reveal()) }, registry: registry, health: health,
            log: log, wallClock: wallClock, opened: opened
        ) { database, purpose in
            PostgresSession(
                database, backoff: Self.reconnecting, logger: log,
                onEvent: { event in
                    Self.report(event, purpose, reconnects, log)
                })
        }
        let server = try HealthRoutes(state: health, metrics: registry.exposition).door(at: configuration.healthListen)
        let inbox = try doors.inbox.map { try InboxServices(at: $0, database, parts) }
        let api = try doors.api.map {
            try APIServices(
                at: $0, doors.apiDatabase ?? database, isSecond: doors.inbox != nil, randomBytes: doors.randomBytes,
                parts)
        }
        longestStop = configuration.drainTimeout + Self.farewell
        var all: [any Service] = [server]
        all += inbox?.behind ?? []
        all += api?.behind ?? []
        all.append(OpenDoors(doors: [inbox?.door, api?.door].compactMap(\.self)))
        all.append(Draining(health: health))
        self.all = all
    }

    private static func report(_ event: PostgresSessionEvent, _ purpose: String, _ reconnects: Counter, _ log: Logger) {
        switch event {
        case .connected(let isReconnect):
            guard isReconnect else { return }
            reconnects.increment()
            log.log(.notice, "connected to the database again", with: [.loop: "\(purpose)"])
        case .disconnected(let error):
            log.log(.warning, "the database connection was lost", with: [.loop: "\(purpose)", .error: "\(error)"])
        case .connectFailed(let error):
            log.log(.warning, "the database cannot be reached", with: [.loop: "\(purpose)", .error: "\(error)"])
        }
    }
}

/// What the services of all doors are made with.
struct ServeParts: Sendable {
    let configuration: WorkerConfiguration
    let limits: ConnectionLimits
    /// Nil without a key file.
    let sealing: SecretSealing?
    let registry: PrometheusRegistry
    let health: HealthState
    let log: Logger
    let wallClock: @Sendable () -> Int64
    let opened: @Sendable (ListenAddress) -> Void
    /// Makes a session for a purpose.
    let session: @Sendable (PostgresConfiguration, String) -> PostgresSession

    /// A door that says where it is.
    ///
    /// - Parameter option: what gave its address.
    func door(
        _ option: String, at address: ListenAddress, _ doorkeeper: any Doorkeeper, saying message: Logger.Message
    ) throws(ConfigurationError) -> Door {
        do throws(ListenError) {
            return try Door(
                at: address, doorkeeper, limits: limits, on: .many, drainTime: configuration.drainTimeout
            ) { [log, opened] address in
                log.log(.notice, message, with: [.address: "\(address)"])
                opened(address)
            }
        } catch {
            throw ConfigurationError(error, of: option)
        }
    }
}

/// Says that the process is on its way out, before anything else stops.
private struct Draining: Service {
    let health: HealthState

    func run() async throws {
        try? await gracefulShutdown()
        health.set(.draining, true)
    }
}
