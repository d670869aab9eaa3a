import CoreMetrics
import Courier
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry

/// What the claimer asks of the database.
protocol ClaimStore: LoopStore {
    /// Does once what makes the first claim slow.
    func prepareToClaim(as worker: Int32) async throws(PostgresError)
    /// - Parameters:
    ///   - seen: what the look before this one has seen; nil for the first.
    ///   - wait: how long the database may wait for something to find.
    func look(since seen: String?, waiting wait: Duration) async throws(PostgresError) -> [LookAtLanes.Row]
    func walk(after last: Int32?, exceptHeldBy worker: Int32?) async throws(PostgresError) -> [WalkLanes.Row]
    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimDeliveries.Row]
    /// What the worker has leased of these lanes, each from a `due_at` on.
    func leases(
        of worker: Int32, in lanes: [Int32: PostgresTimestamp]
    ) async throws(PostgresError) -> [ClaimedDelivery]
    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord]
    func fetchEvents(_ keys: [EventKey]) async throws(PostgresError) -> [StoredEvent]
}

/// What the claimer asks of the couriers. They get deliveries and nothing else, so each result is that of a delivery.
protocol Couriers: Sendable {
    /// Takes requests over; each gets exactly one result.
    func submit(_ batch: [OutgoingDelivery])
    /// How many requests wait to begin.
    var queued: Int { get }
    /// Ends what was submitted, with results.
    func cancelAll()
}

extension CourierPool: Couriers {
    func submit(_ batch: [OutgoingDelivery]) { submit(batch as [any CourierRequest]) }
}

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
    /// But so many are let in at once when something became due in a lane that has no backlog.
    static let freshRoom = 16
    /// Between two looks at what is still in flight while the worker drains.
    static let drainPause = Duration.milliseconds(50)
    /// How long recording what the drain left over may take.
    static let farewell = Duration.seconds(1)

    /// What the loop knows.
    private struct Knowledge {
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
        var isPrepared = false
        var failures = FailurePace()
        var heldBack = HeldBack()
    }

    private let parts: WorkerParts
    private let store: any ClaimStore
    private let couriers: any Couriers
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, store: any ClaimStore, couriers: any Couriers, wakeup: Wakeup) {
        self.parts = parts
        self.store = store
        self.couriers = couriers
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
    private var now: ContinuousClock.Instant { parts.time.now }

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
            // Under another id it is in another schema, perhaps: whatever it knows is of the old one.
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

    /// Waits for the whole of this time, whatever calls, unless the worker is to stop.
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
            try await claim(&known, worker, inFlight, atMost: isProbe ? 1 : most(known, inFlight))
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
        }
        known.heldBack.expire(now)
        parts.metrics.heldBack.set(known.heldBack.count)
        parts.metrics.suspectLanes.set(known.schedule.books.suspect.lanes)
        parts.health.set(.keyMissing, known.heldBack.isKeyMissing)
        parts.state.heldBack(known.heldBack.count, known.heldBack.why)
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
        if parts.state.mayClaim, let time = known.time?.at(now),
            let wake = known.schedule.nextWake(
                now: time, freePermits: inFlight.free, freeBytes: inFlight.freeBytes, atMost: most(known, inFlight))
        {
            rest = min(rest, time.duration(to: wake))
        }
        return rest
    }

    /// How many deliveries the next claim may bring. When the couriers have enough to do, they call when they have less.
    private func most(_ known: Knowledge, _ inFlight: InFlight) -> Int {
        guard inFlight.hasRoom else { return 0 }
        var queued = couriers.queued
        if queued > Self.mostQueued / 2 {
            parts.permits.callAtNextAnswer()
            // They may have begun them since.
            queued = couriers.queued
        }
        if queued <= Self.mostQueued / 2 { return Self.mostQueued - queued }
        return known.schedule.hasFreshLane ? Self.freshRoom : 0
    }

    // MARK: What there is to do

    /// The connection is another one: what was told to the old one may never have arrived.
    private func beginAgain(_ known: inout Knowledge) {
        known.seen = nil
        known.endpoints = EndpointCache()
        known.schedule.forgetAll()
        known.walk.beginAgain(now)
    }

    private func takeNews(_ known: inout Knowledge) {
        guard let time = known.time?.at(now) else { return }
        let news = parts.permits.takeNews()
        for answered in news.answered {
            known.schedule.answered(answered.endpoint, answered.answer, took: answered.took, now: time)
        }
        // Before they are settled, while it is known since when the earliest of them is due.
        for abandoned in news.abandoned {
            known.schedule.leaseWillEnd(abandoned.endpoint, at: abandoned.leaseUntil)
        }
        if !news.settled.isEmpty { known.schedule.settled(news.settled, now: time) }
    }

    /// - Returns: whether it may have missed something, so that the walk begins again.
    @discardableResult
    private func look(_ known: inout Knowledge, waiting wait: Duration = .zero) async throws(PostgresError) -> Bool {
        let began = now
        let since = known.seen
        let rows = try await parts.perform(.look) { () async throws(PostgresError) in
            try await store.look(since: since, waiting: wait)
        }
        let arrived = now
        known.lookedAt = arrived
        var found: [FoundLane] = []
        var seen: LookAtLanes.Seen?
        for row in rows {
            switch row {
            case .seen(let what): seen = what
            case .found(let lane): found.append(lane)
            }
        }
        guard let seen else { return false }
        let time = DatabaseTime(seen.clock, readAt: arrived)
        known.time = time
        if seen.isOtherServer { beginAgain(&known) }
        known.seen = seen.snapshot
        known.pace.looked(found: !found.isEmpty, began: began, wait: wait, now: arrived)
        known.schedule.noticed(found, now: time.at(arrived))
        // The look stopped before the end of what was written.
        let isCut = found.reduce(0) { $0 + max($1.count, 1) } >= Int(LookAtLanes.longest)
        if isCut { known.walk.beginAgain(arrived) }
        return isCut || seen.isOtherServer
    }

    /// A stride of the walk. Then a look, and what it finds is told first: the walk has seen nothing that it did not see.
    private func walk(_ known: inout Knowledge, _ worker: Int32) async throws(PostgresError) {
        if known.seen == nil { try await look(&known) }
        let isFirst = known.walk.isFirst
        let began = now
        let last = known.walk.last
        let rows = try await parts.perform(.walk) { () async throws(PostgresError) in
            try await store.walk(after: last, exceptHeldBy: isFirst ? nil : worker)
        }
        let took = now - began
        let isOver = try await look(&known)
        guard !isOver, let time = known.time?.at(now) else { return }
        var lanes: [WalkedLane] = []
        var reached: Int32?
        for row in rows {
            switch row {
            case .found(let lane): lanes.append(lane)
            case .reached(let lane): reached = lane
            }
        }
        known.walk.reached(reached, took: took, now: now)
        let missed = known.schedule.walked(lanes, now: time)
        guard !isFirst, missed > 0 else { return }
        parts.metrics.missedLanes.increment(by: missed)
        parts.log.log(.warning, "found due deliveries that the looks had missed", with: [.count: "\(missed)"])
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
            case .report(let report): reports.append(report)
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

    /// Gives back what claims have leased whose answers never came. Nothing of it was sent.
    private func giveBackLost(_ known: inout Knowledge, _ worker: Int32) async throws(PostgresError) {
        // Before it asks: what is settled in the meantime is not lost.
        let held = parts.permits.held
        let leased = try await store.leases(of: worker, in: known.lostClaims.lanes)
        known.lostClaims.asked(now)
        let lost = leased.filter { !held.contains(HeldAttempt($0)) }
        guard !lost.isEmpty, let time = known.time?.at(now) else { return }
        var counts: [LaneCount] = []
        for delivery in lost { counts.count(delivery) }
        known.schedule.found(held: counts, now: time)
        parts.permits.take(lost)
        parts.settleQueue.add(lost.map { Settlement($0, .released) })
        parts.log.log(
            .notice, "gave back deliveries of a claim whose answer was lost", with: [.count: "\(lost.count)"])
    }

    /// The rows of a claim. Where the values of one lane spoil it, the others are claimed without that lane.
    private func claimRows(
        _ plan: ClaimPlan, _ worker: Int32, lapsed: PostgresTimestamp
    ) async throws(PostgresError) -> (
        rows: [ClaimDeliveries.Row], unreadable: [(key: ClaimPlan.Lane, why: PostgresError)]
    ) {
        var (rowsLeft, bytesLeft) = (plan.budget, Int64(min(plan.byteBudget, Self.bytesPerClaim)))
        return try await Halving.read(plan.lanes) { lanes throws(PostgresError) in
            let rows: [ClaimDeliveries.Row]
            do throws(PostgresError) {
                rows = try await store.claim(
                    ClaimDeliveries(
                        worker: worker, lanes: lanes.map(\.endpoint), froms: lanes.map(\.from),
                        rooms: lanes.map { Int32(clamping: $0.room) },
                        budget: Int32(clamping: rowsLeft), byteBudget: max(1, bytesLeft),
                        leaseSlack: parts.configuration.leaseSlack, lapsed: lapsed))
            } catch {
                // What cannot be decoded is leased all the same, so it must not be claimed once more in halves.
                guard error.code != .unexpectedValue else { throw PostgresError(.unexpectedResult, error.message) }
                throw error
            }
            for case .delivery(let delivery) in rows {
                rowsLeft -= 1
                bytesLeft -= Int64(delivery.bytes)
            }
            return rows
        }
    }

    private func dispatch(
        _ claimed: [ClaimedDelivery], _ plan: ClaimPlan, _ known: inout Knowledge,
        _ requestedAt: ContinuousClock.Instant
    ) async throws(PostgresError) {
        try await load(known.endpoints.missing(for: claimed, now), of: claimed, &known)
        let wanted = Set(claimed.map(\.eventKey))
        let (events, unreadable) = try await parts.perform(.fetch) { () async throws(PostgresError) in
            try await Halving.read(Array(wanted)) { keys throws(PostgresError) in try await store.fetchEvents(keys) }
        }
        let built = parts.builder.build(
            claimed, events: events,
            unreadable: Dictionary(
                unreadable.map { ($0.key, SendingObstacle(.invalidEvent, $0.why.message)) },
                uniquingKeysWith: { first, _ in first }),
            endpoints: known.endpoints, passing: plan.passing, claimRequestedAt: requestedAt, now: now,
            wallClock: parts.wallClock())
        if known.heldBack.count > 0 { for request in built.requests { known.heldBack.free(request.endpoint.id) } }
        for (endpoint, obstacle) in built.heldBack {
            let name = known.endpoints[endpoint]?.name ?? "#\(endpoint)"
            let isKeyMissing = obstacle.kind == .keyMissing
            holdBack(endpoint, isKeyMissing: isKeyMissing, "endpoint \(name): \(obstacle.message)", &known)
        }
        parts.settleQueue.add(built.settled)
        couriers.submit(built.requests)
    }

    /// Reads endpoints. One that cannot be read, or is not there, becomes one to which nothing can be sent.
    private func load(
        _ missing: [Int32], of claimed: [ClaimedDelivery], _ known: inout Knowledge
    ) async throws(PostgresError) {
        guard !missing.isEmpty else { return }
        let (records, unreadable) = try await parts.perform(.load) { () async throws(PostgresError) in
            try await Halving.read(missing) { ids throws(PostgresError) in try await store.loadEndpoints(ids) }
        }
        let endpoints = records.map(parts.judge.endpoint)
        known.endpoints.keep(endpoints, now)
        for endpoint in endpoints {
            if let tenant = endpoint.tenant { known.schedule.belongs(endpoint.id, to: tenant) }
            for why in endpoint.secretsLeftOut {
                parts.log.log(
                    .warning, "an older secret is left out of the signatures",
                    with: [.endpoint: "\(endpoint.name)", .error: "\(why)"])
            }
        }
        let why = Dictionary(unreadable.map { ($0.key, $0.why.message) }, uniquingKeysWith: { first, _ in first })
        let read = Set(endpoints.map(\.id))
        let bad = missing.filter { !read.contains($0) }.map { id in
            Endpoint(
                unreadable: id, revision: claimed.filter { $0.endpoint == id }.map(\.revision).max() ?? 0,
                why[id] ?? "the endpoint, its lane or its URL is not there")
        }
        known.endpoints.keep(bad, now)
    }

    private func holdBack(_ endpoint: Int32, isKeyMissing: Bool, _ why: String, _ known: inout Knowledge) {
        guard let time = known.time else { return }
        known.schedule.holdBack(endpoint, for: HeldBack.pause, now: time.at(now))
        guard known.heldBack.hold(endpoint, isKeyMissing: isKeyMissing, why, now: now) else { return }
        parts.log.log(
            .warning, "deliveries wait for a worker that can send them",
            with: [.endpoint: "\(endpoint)", .error: "\(why)"])
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
        couriers.cancelAll()
        let farewell = now + Self.farewell
        while parts.permits.current.count > 0, now < farewell {
            await wakeup.wait(atMost: Self.drainPause)
        }
    }
}
