import OutboxStore
import Postgres

/// A worker as JSON.
struct WorkerReport: Encodable {
    let id: Int32
    let name: String
    let version: String
    let startedAt: String
    let lastSeenSecondsAgo: Double
    let inFlight: Int32
    let draining: Bool
    let alive: Bool

    init(_ worker: WorkerOverview) {
        id = worker.id
        name = worker.name
        version = worker.version
        startedAt = worker.startedAt.description
        lastSeenSecondsAgo = Seconds.number(worker.silence)
        inFlight = worker.inFlight
        draining = worker.isDraining
        alive = worker.isAlive
    }
}
