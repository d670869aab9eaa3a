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

/// Claims due deliveries and hands them to the couriers: the first third of a delivery's way.
///
/// It runs at its own pace (``ClaimPace``): the doorbell only tells it when to look. On shutdown it stops claiming, waits
/// for what is under way and then hands back what never started.
final class Claimer: Service {
    static let loop = "claimer"
    /// How long one statement may take.
    static let deadline = Duration.seconds(10)
    /// After a failure of the database.
    static let failureWait = Duration.milliseconds(100)
    /// The most payload bytes of one claim: libpq holds a whole answer in memory before anything of it is used.
    static let bytesPerClaim = 8 << 20
    /// How long recording what the drain left over may take.
    static let farewell = Duration.seconds(1)

    private let parts: WorkerParts
    private let session: PostgresSession
    private let pool: CourierPool
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, session: PostgresSession, pool: CourierPool, wakeup: Wakeup) {
        self.parts = parts
        self.session = session
        self.pool = pool
        self.wakeup = wakeup
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerService.silence)
        await withGracefulShutdownHandler {
            await claimUntilStopped()
            parts.health.unwatch(Self.loop)
            await drain()
        } onGracefulShutdown: {
            self.parts.health.set(.draining, true)
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.session.closeSoon()
        }
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }

    private func claimUntilStopped() async {
        var pace = ClaimPace(now: .now)
        var endpoints = EndpointCache()
        while !mustStop {
            parts.health.beat(Self.loop)
            guard parts.identity.id != nil else {
                await wakeup.wait(atMost: Self.failureWait)
                continue
            }
            do throws(PostgresError) {
                try await turn(&pace, &endpoints)
            } catch {
                parts.log.log(
                    .warning, "claiming failed",
                    with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                parts.lanes.forget()
                pace.lookSoon(.now)
                if !mustStop { await wakeup.wait(atMost: Self.failureWait) }
            }
        }
    }

    /// One turn: look at the doorbell, at the lanes, claim, wait; each only if it is due.
    private func turn(_ pace: inout ClaimPace, _ endpoints: inout EndpointCache) async throws(PostgresError) {
        // With no disk left to record outcomes on, every delivery now would be made again later: one a second, to see.
        let isProbe = parts.health.reasons.contains(.storageFull)
        if isProbe { await wakeup.wait(atMost: ClaimPace.Limits.safety) }
        if pace.isBellDue(.now) {
            let bell = try await session.run(ReadDoorbell(), deadline: Self.deadline)
            pace.heard(bell.first ?? 0, .now)
        }
        if pace.isLookDue(.now) {
            let began = ContinuousClock.now
            let rows = try await session.run(
                DiscoverLanes(unhinted: pace.isUnhinted(began)), deadline: Self.deadline)
            pace.discovered(rows, began: began, now: .now)
            parts.lanes.set(pace.lanes)
        }
        let inFlight = parts.permits.current
        if inFlight.hasRoom, !isProbe || inFlight.count == 0,
            pace.isClaimDue(.now, free: inFlight.free, limit: inFlight.limit)
        {
            try await claim(&pace, &endpoints, inFlight, isProbe: isProbe)
        }
        let room = parts.permits.current
        if await wakeup.wait(atMost: pace.pause(.now, hasRoom: room.hasRoom)) { pace.settled(.now) }
    }

    private func claim(
        _ pace: inout ClaimPace, _ endpoints: inout EndpointCache, _ inFlight: InFlight, isProbe: Bool
    ) async throws(PostgresError) {
        guard let worker = parts.identity.id else { return }
        let requestedAt = ContinuousClock.now
        let lanes = pace.ring()
        let ring = zip(lanes, inFlight.rooms(of: lanes)).filter { $0.1 > 0 }
        guard !ring.isEmpty else {
            pace.claimed(0, wanted: 0, requestedAt)
            return
        }
        let wanted = min(inFlight.free, ring.reduce(0) { $0 + $1.1 })
        let statement = ClaimDeliveries(
            worker: worker, lanes: ring.map(\.0), rooms: ring.map { Int32(clamping: $0.1) },
            budget: Int32(clamping: isProbe ? 1 : inFlight.free),
            byteBudget: Int64(min(inFlight.freeBytes, Self.bytesPerClaim)),
            leaseSlack: parts.configuration.leaseSlack, unhinted: pace.claimsUnhinted)
        let claimed = try await session.run(statement, deadline: Self.deadline)
        parts.metrics.claims.increment()
        pace.claimed(claimed.count, wanted: wanted, .now)
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
        let missing = endpoints.missing(for: claimed, .now)
        if !missing.isEmpty {
            let records = try await session.run(LoadEndpoints(ids: missing), deadline: Self.deadline)
            endpoints.keep(records.map(parts.judge.endpoint), .now)
        }
        let events = try await session.run(FetchEvents(of: claimed), deadline: Self.deadline)
        let built = parts.builder.build(
            claimed, events: events, endpoints: endpoints, claimRequestedAt: requestedAt, now: .now,
            wallClock: parts.wallClock())
        parts.settleQueue.add(built.settled)
        pool.submit(built.requests)
    }

    /// Waits for what is under way; after the drain timeout, stops it and waits until that is recorded too.
    private func drain() async {
        let end = ContinuousClock.now + parts.configuration.drainTimeout
        while parts.permits.current.count > 0, ContinuousClock.now < end, !Task.isCancelled {
            await wakeup.wait(atMost: .milliseconds(50))
        }
        guard parts.permits.current.count > 0 else { return }
        parts.log.log(
            .notice, "the drain timeout is over, stopping deliveries under way",
            with: [.count: "\(parts.permits.current.count)"])
        pool.cancelAll()
        let farewell = ContinuousClock.now + Self.farewell
        while parts.permits.current.count > 0, ContinuousClock.now < farewell {
            await wakeup.wait(atMost: .milliseconds(50))
        }
    }
}
