import Doors
import Inbox
import Logging
import Postgres
import ServiceLifecycle
import Settings
import Telemetry

/// What receives.
struct InboxServices {
    /// How many connections to the database store requests. While one waits for the disk, the others collect.
    private static let committers = 3

    let door: Door
    /// What runs behind it, to be stopped after it.
    let behind: [any Service]

    init(at address: ListenAddress, _ database: PostgresConfiguration, _ parts: ServeParts) throws {
        let metrics = InboxMetrics(registry: parts.registry)
        let book = SourceBook()
        let queue = CommitQueue()
        let responder = InboxResponder(
            book: book, queue: queue, metrics: metrics, log: parts.log,
            now: { [wallClock = parts.wallClock] in wallClock() / 1_000_000 })
        door = try parts.door("--inbox", at: address, responder, saying: "the inbox listens")
        Self.show(book, queue, door.connections, in: parts.registry)
        let committers = Committers(
            queue,
            stores: (1...Self.committers).map {
                CommitterSession(session: parts.session(database, "committer \($0)"))
            }, metrics: metrics, log: parts.log)
        let watch = SourceWatch(
            book, opening: SourceOpening(sealing: parts.sealing),
            store: WatchSession(session: parts.session(database, SourceWatch.loop)), health: parts.health,
            log: parts.log, wallClock: parts.wallClock)
        behind = [committers, watch]
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
}
