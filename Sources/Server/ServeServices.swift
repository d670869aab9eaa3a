import Inbox
import InboxStore
package import Logging
import Metrics
import Outbox
package import Postgres
package import ServiceLifecycle
package import Settings
package import Telemetry
import Worker

/// A process that receives, put together.
package struct ServeServices: Sendable {
    /// How many connections to the database store requests. While one waits for the disk, the others collect.
    private static let committers = 3
    /// The longest wait between two tries to connect.
    private static let reconnecting = Backoff(cap: .seconds(1))
    /// On top of the drain timeout, for closing.
    private static let farewell = Duration.seconds(5)
    /// What is kept of the file descriptors for everything that is no sender's connection.
    private static let descriptorReserve = 64

    /// To be stopped from the last to the first, each when the one after it has ended. None ends before it is told to stop.
    package let all: [any Service]
    /// How long stopping all of them takes at most.
    package let longestStop: Duration

    /// Puts a process together. Nothing runs yet, but the health port is bound.
    ///
    /// - Parameters:
    ///   - address: of the public door.
    ///   - keyFile: the content of the key file, if there is one.
    ///   - opened: is told where the door is.
    package init(
        _ configuration: WorkerConfiguration, inbox address: ListenAddress, database: PostgresConfiguration,
        version: String, keyFile: Redacted<[UInt8]>? = nil, limits: ConnectionLimits = ConnectionLimits(),
        registry: PrometheusRegistry, log: Logger,
        wallClock: @escaping @Sendable () -> Int64,
        opened: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws {
        var limits = limits
        limits.connections = max(1, min(limits.connections, DescriptorLimit.raise().count - Self.descriptorReserve))
        let health = HealthState()
        let metrics = InboxMetrics(registry: registry, version: version)
        let reconnects = Counter(label: MetricDescription.databaseReconnects.name, dimensions: [], factory: registry)
        let book = SourceBook()
        let queue = CommitQueue()
        let connections = Connections(limits: limits)
        health.showReasons(in: registry)
        Self.show(book, queue, connections, in: registry)

        func session(_ purpose: String) -> PostgresSession {
            PostgresSession(
                database, backoff: Self.reconnecting, logger: log,
                onEvent: { event in
                    Self.report(event, purpose, reconnects, log)
                })
        }
        let server = try HealthServer(
            listeningOn: configuration.healthListen, state: health, logger: log, metrics: registry.exposition)
        let responder = InboxResponder(
            book: book, queue: queue, connections: connections, metrics: metrics, log: log,
            now: { wallClock() / 1_000_000 })
        let door = InboxDoor(address, responder: responder, drainTime: configuration.drainTimeout) { address in
            log.log(.notice, "the inbox listens", with: [.address: "\(address)"])
            opened(address)
        }
        longestStop = configuration.drainTimeout + Self.farewell
        let committers = Committers(
            queue,
            stores: (1...Self.committers).map { CommitterSession(session: session("committer \($0)")) },
            metrics: metrics, log: log)
        let watch = SourceWatch(
            book, opening: SourceOpening(sealing: try keyFile.map { try SecretSealing(keyFile: $0.reveal()) }),
            store: WatchSession(session: session(SourceWatch.loop)), health: health, log: log, wallClock: wallClock)
        all = [
            server, committers, watch, ConnectionSweep(connections: connections), door, Draining(health: health),
        ]
    }

    private static func show(
        _ book: SourceBook, _ queue: CommitQueue, _ connections: Connections, in registry: PrometheusRegistry
    ) {
        typealias Description = MetricDescription
        registry.readGauge(Description.inboxWaiting.name) { Double(queue.count) }
        registry.readGauge(Description.inboxHeldBytes.name) { Double(connections.heldBytes) }
        registry.readGauge(Description.inboxConnections.name) { Double(connections.count) }
        registry.readCounter(Description.inboxEndedConnections.name) { Double(connections.ended) }
        registry.readGauge(Description.inboxSources.name, labels: [("state", "usable")]) { Double(book.counts.usable) }
        registry.readGauge(Description.inboxSources.name, labels: [("state", "unusable")]) {
            Double(book.counts.unusable)
        }
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

/// Says that the process is on its way out, before anything else stops.
private struct Draining: Service {
    let health: HealthState

    func run() async throws {
        try? await gracefulShutdown()
        health.set(.draining, true)
    }
}
