import OutboxStore
import Postgres

/// `status` as JSON.
struct StatusReport: Encodable {
    let ok: Bool
    let verdict: String
    let events: Int64
    let eventsLastHour: Int64
    let eventsCapped: Bool
    let pending: Int64
    let inFlight: Int64
    let retrying: Int64
    let held: Int64
    let deadLetters: Int64
    let countsCapped: Bool
    let oldestDueAgeSeconds: Double?
    let workersAlive: Int
    let schemaVersion: Int32
    let endpoints: [EndpointReport]
    let workers: [WorkerReport]
    let duties: [DutyReport]

    init(_ snapshot: StatusSnapshot, _ verdict: StatusVerdict) {
        ok = verdict.isWell
        self.verdict = verdict.line
        events = snapshot.events.events
        eventsLastHour = snapshot.events.lastHour
        eventsCapped = snapshot.events.events >= EventCounts.limit
        pending = snapshot.pending
        inFlight = snapshot.inFlight
        retrying = snapshot.retrying
        held = snapshot.held
        deadLetters = snapshot.deadLetters
        countsCapped = snapshot.isCapped
        oldestDueAgeSeconds = snapshot.oldestDueAge.map(Seconds.number)
        workersAlive = snapshot.aliveWorkers
        schemaVersion = snapshot.schemaVersion
        endpoints = snapshot.endpoints.map(EndpointReport.init)
        workers = snapshot.workers.map(WorkerReport.init)
        duties = snapshot.duties.map(DutyReport.init)
    }
}

/// A duty as JSON.
struct DutyReport: Encodable {
    let duty: String
    let lastDoneSecondsAgo: Double
    let failures: Int32
    let lastError: String?

    init(_ duty: DutyOverview) {
        self.duty = duty.name
        lastDoneSecondsAgo = Seconds.number(duty.doneAgo)
        failures = duty.failures
        lastError = duty.lastError
    }
}

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
