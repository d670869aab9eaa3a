import OutboxStore
import Postgres

/// `status` as JSON.
struct StatusReport: Encodable {
    let ok: Bool
    let verdict: String
    let problems: [String]
    let events: Int64
    let eventsLastHour: Int64
    let eventsCapped: Bool
    let pending: Int64
    let inFlight: Int64
    let retrying: Int64
    let held: Int64
    let blocked: Int64
    let blockedKeys: Int64
    let deadLetters: Int64
    let countsCapped: Bool
    let oldestDueAgeSeconds: Double?
    let oldestBlockedAgeSeconds: Double?
    let madeAMinute: Double?
    let endedAMinute: Double?
    let drainSeconds: Double?
    let endpointsTotal: Int64
    let endpointsActive: Int64
    let endpointsPaused: Int64
    let endpointsDisabled: Int64
    let endpointsVerifying: Int64
    let endpointsFailing: Int64
    let endpointsLate: Int64
    let workersAlive: Int
    let schemaVersion: Int32
    let endpoints: [EndpointReport]
    let workers: [WorkerReport]
    let duties: [DutyReport]
    let sources: [SourceReport]
    let expectationsWaiting: Int64
    let expectationsPolling: Int64
    let expectationsMissed: Int64

    init(_ snapshot: StatusSnapshot, _ verdict: StatusVerdict) {
        let census = snapshot.census
        ok = verdict.isWell
        self.verdict = verdict.line
        problems = verdict.isWell ? [] : [verdict.line] + verdict.others
        events = snapshot.events.events
        eventsLastHour = snapshot.events.lastHour
        eventsCapped = snapshot.events.events >= EventCounts.limit
        pending = census.pending
        inFlight = census.inFlight
        retrying = census.retrying
        held = census.held
        blocked = census.blocked
        blockedKeys = census.blockedKeys
        deadLetters = census.deadLetters
        countsCapped = census.isCapped
        oldestDueAgeSeconds = census.oldestDueAge.map(Seconds.number)
        oldestBlockedAgeSeconds = census.oldestBlockedAge.map(Seconds.number)
        let flow = snapshot.flow
        madeAMinute = flow?.made
        endedAMinute = flow?.ended
        drainSeconds = flow?.drain.map(Seconds.number)
        endpointsTotal = census.endpoints
        endpointsActive = census.active
        endpointsPaused = census.paused
        endpointsDisabled = census.disabled
        endpointsVerifying = census.verifying
        endpointsFailing = census.failing
        endpointsLate = census.late
        workersAlive = snapshot.aliveWorkers.count
        schemaVersion = snapshot.schemaVersion
        endpoints = snapshot.endpoints.map { EndpointReport($0.endpoint) }
        workers = snapshot.workers.map(WorkerReport.init)
        duties = snapshot.duties.map(DutyReport.init)
        sources = snapshot.sources.map(SourceReport.init)
        expectationsWaiting = snapshot.expectations.waiting
        expectationsPolling = snapshot.expectations.polling
        expectationsMissed = snapshot.expectations.missed
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
