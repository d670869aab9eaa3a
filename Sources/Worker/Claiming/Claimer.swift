import CoreMetrics
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry

/// Claims due deliveries and hands them to the couriers: the first third of a delivery's way.
///
/// Looks tell it which lanes were written to (``LookPace``), a walk what there was before (``LaneWalk``), and the
/// ``Schedule`` which lanes to claim. On shutdown it stops claiming, waits for what is in flight and then hands back what
/// never started.
final class Claimer: Service {
    static let loop = "claimer"
    /// While the worker is not registered.
    static let registrationWait = Duration.milliseconds(100)
    /// The longest rest of the loop.
    static let longestWait = Duration.seconds(1)
    /// The most payload bytes of one claim: libpq holds a whole answer in memory before anything of it is used.
    static let bytesPerClaim = 8 << 20
    /// While so many requests wait to begin, more are claimed only when half of them have begun: claims stay large, and what
    /// becomes due in a quiet lane is not behind hundreds.
    static let mostQueued = 256
    /// The same while no endpoint is answered quickly that has something to send now and then: there is no one to wait behind them.
    static let mostQueuedOfBacklogs = 400
    /// But so many are let in at once when something became due in a lane that has no backlog.
    static let freshRoom = 16
    /// Between two looks at what is still in flight while the worker drains.
    static let drainPause = Duration.milliseconds(50)
    /// How long recording what the drain left over may take.
    static let farewell = Duration.seconds(1)

    /// What the loop knows.
    struct Knowledge {
        var schedule: Schedule
        var pace: LookPace
        var walk: LaneWalk
        var claimPace = ClaimPace()
        var headStart: HeadStart
        var lostClaims = LostClaims()
        var endpoints = EndpointCache()
        /// What the last look has seen; nil before the first.
        var seen: String?
        /// The database's clock; nil before the first look.
        var time: DatabaseTime?
        /// When the last look was answered.
        var lookedAt: ContinuousClock.Instant?
        /// Whether it was said that the worker is ready.
        var isReady = false
        var isPrepared = false
        var failures = FailurePace()
        var heldBack = HeldBack()
    }

    let parts: WorkerParts
    let store: any ClaimStore
    let couriers: any Couriers
    let shaper: any ShapingDesk
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    init(
        _ parts: WorkerParts, store: any ClaimStore, couriers: any Couriers, shaper: any ShapingDesk, wakeup: Wakeup
    ) {
        self.parts = parts
        self.store = store
        self.couriers = couriers
        self.shaper = shaper
        self.wakeup = wakeup
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerServices.silence)
        await withGracefulShutdownHandler {
            await claimUntilStopped()
            parts.health.unwatch(Self.loop)
            await drain()
        } onGracefulShutdown: {
            self.parts.state.beginDrain()
            self.parts.health.set(.draining, true)
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.store.closeSoon()
        }
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }
    var now: ContinuousClock.Instant { parts.time.now }

    private func claimUntilStopped() async {
        var known = knowNothing()
        var registered: Int32?
        while !mustStop {
            parts.health.beat(Self.loop)
            known.headStart.turned(now)
            guard let worker = parts.state.id, !parts.state.isOnLeftServer else {
                await wakeup.wait(atMost: Self.registrationWait)
                continue
            }
            // Under another id it is in another schema, perhaps: what it knows is of the old one.
            if let registered, registered != worker { known = knowNothing() }
            registered = worker
            parts.health.beginMeasuring()
            do throws(PostgresError) {
                try await turn(&known, worker)
                known.failures.succeeded()
            } catch {
                known.pace.failed(now)
                let wait = known.failures.failed(error)
                show(&known)
                parts.log.log(
                    .warning, "claiming failed",
                    with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                await waitOut(wait)
            }
        }
    }

    /// Waits for the whole of this time, despite all calls, unless the worker is to stop.
    private func waitOut(_ wait: Duration) async {
        let end = now + wait
        while !mustStop, now < end { await wakeup.wait(atMost: end - now) }
    }

    private func knowNothing() -> Knowledge {
        let limits = parts.permits.current
        return Knowledge(
            schedule: Schedule(permits: limits.limit, bytes: limits.byteLimit), pace: LookPace(now: now),
            walk: LaneWalk(now: now), headStart: HeadStart(now: now))
    }

    /// One turn: take in the news, look, claim, wait; each only if it is due.
    private func turn(_ known: inout Knowledge, _ worker: Int32) async throws(PostgresError) {
        // With no disk left to record outcomes on, every delivery now would be made again later: one a second, to see.
        let isProbe = parts.state.isStorageFull
        if isProbe { await wakeup.wait(atMost: Self.longestWait) }
        if !known.isPrepared {
            try await parts.perform(.claim) { () async throws(PostgresError) in
                try await store.prepareToClaim(as: worker)
            }
            known.isPrepared = true
        }
        if parts.state.takeReconnect() {
            beginAgain(&known)
            known.headStart.reconnected(now)
        }
        takeNews(&known)
        if let time = known.lostClaims.next, time <= now { try await giveBackLost(&known, worker) }
        if now >= known.walk.next {
            try await walk(&known, worker)
        } else if now >= known.pace.next {
            let isIdle = parts.permits.current.count == 0
            try await look(&known, waiting: isIdle ? known.pace.wait(now, free: rest(known)) : .zero)
        }
        let inFlight = parts.permits.current
        if parts.state.mayClaim, !isProbe || inFlight.count == 0 {
            try await claim(&known, worker, inFlight, atMost: isProbe ? min(1, proxyRoom) : most(known, inFlight))
        }
        show(&known)
        await wakeup.wait(atMost: pause(known))
    }

    /// Shows how late deliveries are, as far as the last look knows, and what is held back.
    private func show(_ known: inout Knowledge) {
        let now = now
        if let lookedAt = known.lookedAt, let time = known.time {
            let oldest = known.schedule.oldestDue.map { $0.duration(to: time.at(now)) }
            parts.health.measured(max(.zero, oldest ?? .zero), ago: now - lookedAt)
            if !known.isReady { sayReady(&known) }
        }
        known.heldBack.expire(now)
        parts.proxy?.expire(now)
        parts.metrics.heldBack.set(known.heldBack.count)
        parts.metrics.suspectLanes.set(known.schedule.books.suspect.lanes)
        parts.health.set(.keyMissing, known.heldBack.isKeyMissing)
        parts.state.heldBack(known.heldBack.count, known.heldBack.why)
    }

    /// The first look was answered, and what is late can be seen.
    private func sayReady(_ known: inout Knowledge) {
        guard let worker = parts.state.id else { return }
        known.isReady = true
        parts.health.set(.notLooked, false)
        parts.log.log(.notice, "the worker is ready", with: [.worker: "\(worker)", .version: "\(parts.version)"])
    }

    /// How long there is nothing to do.
    private func pause(_ known: Knowledge) -> Duration {
        max(min(rest(known), known.pace.next - now), .microseconds(200))
    }

    /// How long there is nothing to do but to look.
    private func rest(_ known: Knowledge) -> Duration {
        let now = now
        let inFlight = parts.permits.current
        var rest = min(Self.longestWait, known.walk.next - now)
        if let next = known.lostClaims.next { rest = min(rest, next - now) }
        if let pause = parts.proxy?.pause(now), pause > .zero { rest = min(rest, pause) }
        if parts.state.mayClaim, let time = known.time?.at(now),
            let wake = known.schedule.nextWake(
                now: time, freePermits: inFlight.free, freeBytes: inFlight.freeBytes, atMost: most(known, inFlight))
        {
            rest = min(rest, time.duration(to: wake))
        }
        return rest
    }

    /// How many deliveries the proxy may be tried with.
    private var proxyRoom: Int { parts.proxy?.room(now) ?? .max }

    /// How many deliveries the next claim may bring. When the couriers have enough to do, they call when they have less.
    private func most(_ known: Knowledge, _ inFlight: InFlight) -> Int {
        guard inFlight.hasRoom else { return 0 }
        let proxyRoom = proxyRoom
        let mostQueued = known.schedule.hasLively ? Self.mostQueued : Self.mostQueuedOfBacklogs
        guard proxyRoom > mostQueued else { return proxyRoom }
        var queued = couriers.queued
        if queued > mostQueued / 2 {
            parts.permits.callAtNextAnswer()
            // They may have begun them since.
            queued = couriers.queued
        }
        if queued <= mostQueued / 2 { return mostQueued - queued }
        return known.schedule.hasFreshLane ? Self.freshRoom : 0
    }

    // MARK: Claiming

    private func claim(
        _ known: inout Knowledge, _ worker: Int32, _ inFlight: InFlight, atMost: Int
    ) async throws(PostgresError) {
        let requestedAt = now
        let isPaced = known.schedule.hasLively
        known.headStart.turned(requestedAt)
        guard let time = known.time,
            let plan = known.schedule.nextClaim(
                now: time.at(requestedAt), freePermits: inFlight.free, freeBytes: inFlight.freeBytes, atMost: atMost,
                work: isPaced ? known.claimPace.work : .max)
        else { return }
        let rows: [ClaimDeliveries.Row]
        let spoilt: [(key: ClaimPlan.Lane, why: PostgresError)]
        let lapsed = known.headStart.lapsed(time.at(requestedAt), now: requestedAt)
        do throws(PostgresError) {
            (rows, spoilt) = try await parts.perform(.claim) { () async throws(PostgresError) in
                try await claimRows(plan, worker, lapsed: lapsed)
            }
        } catch {
            // It may have leased rows of which this worker does not know: they are due again when their leases end, if they
            // are not given back before.
            if !error.leavesNoDoubt { known.lostClaims.lost(plan, now: now) }
            let longest = Limits.timeout.upperBound + parts.configuration.leaseSlack
            known.schedule.claimFailed(plan, recheckAt: time.at(now).advanced(by: longest), now: time.at(now))
            throw error
        }
        var claimed: [ClaimedDelivery] = []
        var reports: [LaneReport] = []
        var taken: [LaneCount] = []
        claimed.reserveCapacity(rows.count)
        for row in rows {
            switch row {
            case .delivery(let delivery):
                claimed.append(delivery)
                taken.count(delivery)
            case .report(let report):
                reports.append(report)
                parts.metrics.count(.lostLease, times: Int(report.lapsed))
                parts.metrics.count(DeliveryOutcome.superseded, times: Int(report.superseded))
            }
        }
        parts.metrics.claims.increment()
        known.schedule.claimed(plan, taken: taken, reports: reports, now: time.at(now))
        for (lane, why) in spoilt {
            parts.failed(.claim, why)
            holdBack(lane.endpoint, isKeyMissing: false, "endpoint #\(lane.endpoint): \(why.message)", &known)
        }
        guard !claimed.isEmpty else { return }
        parts.metrics.claimedDeliveries.increment(by: claimed.count)
        parts.permits.take(claimed)
        do throws(PostgresError) {
            try await dispatch(claimed, plan, &known, requestedAt)
        } catch {
            // Nothing of it was sent: given back as soon as the database can be told.
            parts.settleQueue.add(claimed.map { Settlement($0, .released) })
            throw error
        }
        if isPaced { known.claimPace.took(now - requestedAt, work: plan.work(rows: claimed.count)) }
    }

    // MARK: The end

    /// Waits for what is in flight. After the drain timeout, or when the drain is cut, stops it and waits until that is
    /// recorded too.
    private func drain() async {
        let end = now + parts.configuration.drainTimeout
        while parts.permits.current.count > 0, now < end, !parts.state.isDrainCut, !Task.isCancelled {
            await wakeup.wait(atMost: Self.drainPause)
        }
        let left = parts.permits.current.count
        guard left > 0 else { return }
        if parts.state.isDrainCut {
            parts.log.log(
                .notice, "told to stop again, stopping deliveries in flight", with: [.count: "\(left)"])
        } else {
            parts.log.log(
                .notice, "the drain timeout is over, stopping deliveries in flight", with: [.count: "\(left)"])
        }
        shaper.cancelAll()
        couriers.cancelAll()
        let farewell = now + Self.farewell
        while parts.permits.current.count > 0, now < farewell {
            await wakeup.wait(atMost: Self.drainPause)
        }
    }
}
