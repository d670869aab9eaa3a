import CoreMetrics
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What the housekeeper asks of the database.
protocol HouseStore: VerificationStore {
    func readState() async throws(PostgresError) -> DatabaseState?
    /// Returns whether the worker is in the list.
    func beat(_ worker: Int32, _ pulse: WorkerPulse) async throws(PostgresError) -> Bool
    func forget(_ worker: Int32) async throws(PostgresError)
    /// Marks committed subscriptions as in effect.
    func keepSubscriptions() async throws(PostgresError) -> Int32?
    /// Stops counting rows whose lease ran out, in lanes with an in-flight limit.
    func keepLeases() async throws(PostgresError) -> Int32?
    /// The ids of a slice of the endpoints, in ascending order.
    func endpoints(after: Int32, limit: Int32) async throws(PostgresError) -> [Int32]
}

/// Says that the worker is alive and watches the database. What takes longer is up to ``Upkeep``, on connections of its own.
final class Housekeeper: Service {
    static let loop = "housekeeper"

    static let watchPause = Duration.seconds(1)
    /// For subscriptions that became effective, and leases that ran out.
    static let subscriptionPause = Duration.seconds(1)
    static let heartbeatPause = Duration.seconds(5)

    private let parts: WorkerParts
    private let store: any HouseStore
    private let verifications: VerificationDesk
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)
    /// How fast deliveries are made in the database, and how fast they end there, in any way.
    private let paces = Mutex((made: MinutePace(), ended: MinutePace()))

    init(_ parts: WorkerParts, store: any HouseStore, verifications: VerificationDesk) {
        self.parts = parts
        self.store = store
        self.verifications = verifications
        let wakeup = Wakeup(on: parts.time)
        self.wakeup = wakeup
        verifications.whenAnswered { wakeup.call() }
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerServices.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            await keepHouse()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.store.closeSoon()
        }
        await leave()
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }
    private var now: ContinuousClock.Instant { parts.time.now }

    private func keepHouse() async {
        var nextWatch = now
        var nextBeat = now
        var nextSubscriptions = now
        var nextVerification = now
        var nextStep = now
        var survey = EndpointSurvey()
        var headStart = HeadStart(now: now)
        while !mustStop {
            parts.health.beat(Self.loop)
            do throws(PostgresError) {
                if now >= nextWatch {
                    nextWatch = now + Self.watchPause
                    try await watch()
                }
                if now >= nextBeat {
                    nextBeat = now + Self.heartbeatPause
                    try await beat()
                }
                if now >= nextSubscriptions {
                    nextSubscriptions = now + Self.subscriptionPause
                    await keep("subscriptions") { () async throws(PostgresError) in
                        try await store.keepSubscriptions()
                    }
                    // Not right after the database was away: their owners may be about to settle.
                    headStart.turned(now)
                    if headStart.isOver(now) {
                        await keep("leases") { () async throws(PostgresError) in
                            let lapsed = try await store.keepLeases()
                            parts.metrics.count(.lostLease, times: Int(lapsed ?? 0))
                            return lapsed
                        }
                    }
                }
                if now >= nextVerification || verifications.hasAnswers {
                    nextVerification = now + VerificationDesk.pause
                    await keep("verifications") { () async throws(PostgresError) in
                        try await verifications.turn(store)
                    }
                }
                if !survey.isOver, now >= nextStep {
                    nextStep = now + EndpointSurvey.pause
                    try await survey.step(store, parts.judge)
                    if survey.isOver { tell(survey) }
                }
            } catch {
                parts.log.log(
                    .warning, "housekeeping failed and is tried again",
                    with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                await wakeup.wait(atMost: Self.watchPause)
            }
            let next = min(nextWatch, nextBeat, nextSubscriptions, nextVerification)
            await wakeup.wait(atMost: (survey.isOver ? next : min(next, nextStep)) - now)
        }
    }

    private func tell(_ survey: EndpointSurvey) {
        guard survey.unservable > 0 else { return }
        parts.log.log(
            .warning, "this worker was not set up for some endpoints; their deliveries wait for one that was",
            with: [.count: "\(survey.unservable)", .error: "\(survey.why)"])
    }

    /// What readiness depends on.
    private func watch() async throws(PostgresError) {
        do throws(PostgresError) {
            let before = parts.wallClock()
            let read = try await parts.perform(.watch) { () async throws(PostgresError) in
                try await store.readState()
            }
            guard let state = read else { return }
            let after = parts.wallClock()
            parts.health.set(.databaseUnreachable, false)
            parts.health.set(.databaseReadOnly, state.isReadOnly)
            parts.health.set(.schemaMissing, state.schemaVersion == nil)
            parts.health.set(.schemaMismatch, (state.schemaVersion ?? Migration.newest) != Migration.newest)
            judge(ClockSkew(before: before, database: state.clock, after: after))
            paces.withLock { paces in
                guard let made = state.made, let ended = state.ended else { return }
                paces.made.note(made, at: now)
                paces.ended.note(ended, at: now)
            }
        } catch {
            parts.health.set(.schemaMissing, error.sqlState == .undefinedTable)
            parts.health.set(.databaseReadOnly, error.sqlState == .readOnlySQLTransaction)
            parts.health.set(.databaseUnreachable, !error.isAnAnswer)
            throw error
        }
    }

    /// What is signed by a clock that is off is refused, and each refusal would cost an attempt.
    private func judge(_ skew: ClockSkew) {
        parts.health.set(.clockSkew, skew.isTooMuch)
        guard parts.state.found(skew) else { return }
        if skew.isTooMuch {
            parts.log.log(
                .error, "nothing is claimed while the clocks of this machine and of the database are apart",
                with: [.error: "this machine is \(skew.ahead.components.seconds) s ahead of the database"])
        } else {
            parts.log.log(.notice, "the clocks agree again, deliveries are claimed", with: [:])
        }
    }

    private func beat() async throws(PostgresError) {
        guard let id = parts.state.id else { return }
        var pulse = WorkerPulse(parts)
        if let (made, ended) = paces.withLock({ paces in
            paces.made.perMinute.flatMap { made in paces.ended.perMinute.map { (made, $0) } }
        }) {
            (pulse.madeAMinute, pulse.endedAMinute) = (made, ended)
        }
        let isListed = try await parts.perform(.beat) { () async throws(PostgresError) in
            try await store.beat(id, pulse)
        }
        guard !isListed else { return }
        // The schema was replaced or restored, or this process slept for a day: what it knows is of another time.
        parts.state.lostRegistration()
        parts.health.set(.starting, true)
        parts.log.log(.warning, "the database does not know this worker any more; it registers again", with: [:])
    }

    /// Takes this worker off the list: it ended in good order.
    private func leave() async {
        await verifications.giveBack(store)
        if let id = parts.state.id { try? await store.forget(id) }
        await store.close()
    }

    /// What every worker does, and often. One that fails must not keep the other from being done.
    private func keep(_ name: String, _ duty: () async throws(PostgresError) -> Int32?) async {
        guard !mustStop else { return }
        do throws(PostgresError) {
            guard let count = try await duty(), count > 0 else { return }
            parts.log.log(
                .debug, "a housekeeping duty found work",
                with: [.loop: .string(name), .count: .stringConvertible(count)])
        } catch {
            parts.log.log(
                .warning, "a housekeeping duty failed and is tried again",
                with: [.loop: .string(name), .error: "\(error)"])
        }
    }
}

extension PostgresError {
    /// Whether the database has said something, if only that it does not: it can be reached.
    fileprivate var isAnAnswer: Bool { code == .server || code == .deadlineExceeded && report != nil }
}

extension WorkerPulse {
    fileprivate init(_ parts: WorkerParts) {
        let heldBack = parts.state.heldBack
        self.init(
            inFlight: Int32(clamping: parts.permits.current.count), isDraining: parts.state.isDraining,
            heldBack: Int32(clamping: heldBack.count), heldBackWhy: heldBack.why,
            trouble: parts.health.trouble.map {
                WorkerTrouble(
                    step: $0.step.rawValue, failures: Int32(clamping: $0.failures), lasts: $0.lasts, error: $0.error)
            },
            settings: parts.judge.settings, clockAhead: parts.state.clockAhead)
    }
}
