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
    /// The last id that a delivery got.
    func readDoorbell() async throws(PostgresError) -> Int64
    func discoverLanes(unhinted: Bool) async throws(PostgresError) -> [DiscoverLanes.Row]
    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimedDelivery]
    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord]
    func fetchEvents(of claimed: [ClaimedDelivery]) async throws(PostgresError) -> [StoredEvent]
}

/// What the claimer asks of the couriers. They get deliveries and nothing else, so each result is that of a delivery.
protocol Couriers: Sendable {
    /// Takes requests over; each gets exactly one result.
    func submit(_ batch: [OutgoingDelivery])
    /// Ends what was submitted, with results.
    func cancelAll()
}

extension CourierPool: Couriers {
    func submit(_ batch: [OutgoingDelivery]) { submit(batch as [any CourierRequest]) }
}

/// Claims due deliveries and hands them to the couriers: the first third of a delivery's way.
///
/// It runs at its own pace (``ClaimPace``): the doorbell only tells it when to look. On shutdown it stops claiming, waits
/// for what is in flight and then hands back what never started.
final class Claimer: Service {
    static let loop = "claimer"
    /// After a failure of the database.
    static let failureWait = Duration.milliseconds(100)
    /// The most payload bytes of one claim: libpq holds a whole answer in memory before anything of it is used.
    static let bytesPerClaim = 8 << 20
    /// Between two looks at what is still in flight while the worker drains.
    static let drainPause = Duration.milliseconds(50)
    /// How long recording what the drain left over may take.
    static let farewell = Duration.seconds(1)

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
        var pace = ClaimPace(now: now)
        var endpoints = EndpointCache()
        while !mustStop {
            parts.health.beat(Self.loop)
            guard parts.state.id != nil else {
                await wakeup.wait(atMost: Self.failureWait)
                continue
            }
            do throws(PostgresError) {
                try await turn(&pace, &endpoints)
            } catch {
                parts.log.log(
                    .warning, "claiming failed",
                    with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                parts.state.found(busy: [])
                pace.lookSoon(now)
                if !mustStop { await wakeup.wait(atMost: Self.failureWait) }
            }
        }
    }

    /// One turn: look at the doorbell, at the lanes, claim, wait; each only if it is due.
    private func turn(_ pace: inout ClaimPace, _ endpoints: inout EndpointCache) async throws(PostgresError) {
        // With no disk left to record outcomes on, every delivery now would be made again later: one a second, to see.
        let isProbe = parts.state.isStorageFull
        if isProbe { await wakeup.wait(atMost: ClaimPace.longestPause) }
        if pace.isBellDue(now) {
            let bell = try await store.readDoorbell()
            pace.heard(bell, now)
        }
        if pace.isLookDue(now) {
            let began = now
            let rows = try await store.discoverLanes(unhinted: pace.isUnhinted(began))
            pace.discovered(rows, began: began, now: now)
            parts.state.found(busy: pace.lanes)
        }
        let inFlight = parts.permits.current
        if inFlight.hasRoom, !isProbe || inFlight.count == 0,
            pace.isClaimDue(now, free: inFlight.free, limit: inFlight.limit)
        {
            try await claim(&pace, &endpoints, inFlight, isProbe: isProbe)
        }
        let room = parts.permits.current
        if await wakeup.wait(atMost: pace.pause(now, hasRoom: room.hasRoom)) { pace.settled(now) }
    }

    private func claim(
        _ pace: inout ClaimPace, _ endpoints: inout EndpointCache, _ inFlight: InFlight, isProbe: Bool
    ) async throws(PostgresError) {
        guard let worker = parts.state.id else { return }
        let requestedAt = now
        let lanes = pace.ring()
        let ring = zip(lanes, inFlight.rooms(of: lanes)).filter { $0.1 > 0 }
        guard !ring.isEmpty else {
            pace.claimed(0, wanted: 0, requestedAt)
            return
        }
        let wanted = min(inFlight.free, ring.reduce(0) { $0 + $1.1 })
        let claimed = try await store.claim(
            ClaimDeliveries(
                worker: worker, lanes: ring.map(\.0), rooms: ring.map { Int32(clamping: $0.1) },
                budget: Int32(clamping: isProbe ? 1 : inFlight.free),
                byteBudget: Int64(min(inFlight.freeBytes, Self.bytesPerClaim)),
                leaseSlack: parts.configuration.leaseSlack, unhinted: pace.claimsUnhinted))
        parts.metrics.claims.increment()
        pace.claimed(claimed.count, wanted: wanted, now)
        guard !claimed.isEmpty else { return }
        parts.metrics.claimedDeliveries.increment(by: claimed.count)
        parts.permits.take(claimed)
        do throws(PostgresError) {
            try await dispatch(claimed, &endpoints, requestedAt)
        } catch {
            // Nothing of it was sent: given back as soon as the database can be told.
            parts.settleQueue.add(claimed.map { Settlement($0, .released) })
            throw error
        }
    }

    private func dispatch(
        _ claimed: [ClaimedDelivery], _ endpoints: inout EndpointCache, _ requestedAt: ContinuousClock.Instant
    ) async throws(PostgresError) {
        let missing = endpoints.missing(for: claimed, now)
        if !missing.isEmpty {
            let records = try await store.loadEndpoints(missing)
            endpoints.keep(records.map(parts.judge.endpoint), now)
        }
        let events = try await store.fetchEvents(of: claimed)
        let built = parts.builder.build(
            claimed, events: events, endpoints: endpoints, claimRequestedAt: requestedAt, now: now,
            wallClock: parts.wallClock())
        parts.settleQueue.add(built.settled)
        couriers.submit(built.requests)
    }

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
