import CoreMetrics
import Logging
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What a worker does on the side: says that it is alive, watches the database, moves hints, keeps partitions and
/// retention. Every worker runs one; the database sees to it that a duty is done once.
final class Housekeeper: Service {
    static let loop = "housekeeper"

    /// The named times.
    enum Limits {
        static let tick = Duration.milliseconds(200)
        static let watch = Duration.seconds(1)
        /// The database knows when a duty is due; this is how often it is asked.
        static let duties = Duration.seconds(5)
        static let subscriptions = Duration.seconds(1)
        static let heartbeat = Duration.seconds(5)
        static let deadline = Duration.seconds(5)
        static let dutyDeadline = Duration.seconds(30)
        /// A worker whose clock is further off than this signs with timestamps that receivers refuse.
        static let clockSkewSeconds: Int64 = 60
    }

    private let parts: WorkerParts
    private let session: PostgresSession
    private let wakeup = Wakeup(label: "postrider.housekeeper")
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, session: PostgresSession) {
        self.parts = parts
        self.session = session
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerService.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            await keepHouse()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.session.closeSoon()
        }
        await leave()
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }

    private func keepHouse() async {
        var nextWatch = ContinuousClock.now
        var nextBeat = ContinuousClock.now
        var nextDuties = ContinuousClock.now
        var nextSubscriptions = ContinuousClock.now
        while !mustStop {
            parts.health.beat(Self.loop)
            do throws(PostgresError) {
                if .now >= nextWatch {
                    nextWatch = .now + Limits.watch
                    try await watch()
                }
                try await moveHints()
                if .now >= nextBeat {
                    nextBeat = .now + Limits.heartbeat
                    try await beat()
                }
                if .now >= nextSubscriptions {
                    nextSubscriptions = .now + Limits.subscriptions
                    await duty("subscriptions", .debug, Duties.keepSubscriptions)
                }
                if .now >= nextDuties {
                    nextDuties = .now + Limits.duties
                    await doDuties()
                }
            } catch {
                parts.log.log(
                    .warning, "housekeeping failed and is tried again",
                    with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                await wakeup.wait(atMost: Limits.watch)
            }
            await wakeup.wait(atMost: Limits.tick)
        }
    }

    /// What readiness depends on, and the figure to alert on.
    private func watch() async throws(PostgresError) {
        do throws(PostgresError) {
            let before = parts.wallClock()
            guard let state = try await session.run(Status.database, deadline: Limits.deadline).first else {
                return
            }
            let after = parts.wallClock()
            parts.health.set(.databaseUnreachable, false)
            parts.health.set(.databaseReadOnly, state.isReadOnly)
            parts.health.set(.schemaMissing, state.schemaVersion == nil)
            parts.health.set(.schemaMismatch, (state.schemaVersion ?? Migration.newest) != Migration.newest)
            // The database's clock was read somewhere between the two readings of ours.
            let limit = Limits.clockSkewSeconds * 1_000_000
            parts.health.set(.clockSkew, state.clock < before - limit || state.clock > after + limit)
            if let lag = try await session.run(Status.lag, deadline: Limits.deadline).first {
                parts.metrics.deliveryLag.record(Double(lag) / 1_000_000)
            }
        } catch {
            parts.health.set(.schemaMissing, error.sqlState == .undefinedTable)
            parts.health.set(.databaseReadOnly, error.sqlState == .readOnlySQLTransaction)
            parts.health.set(.databaseUnreachable, error.sqlState != .undefinedTable)
            throw error
        }
    }

    private func moveHints() async throws(PostgresError) {
        let inFlight = parts.permits.current
        parts.metrics.inFlight.set(inFlight.count)
        parts.metrics.inFlightBytes.set(inFlight.bytes)
        let lanes = parts.lanes.current
        guard !lanes.isEmpty else { return }
        try await session.execute(AdvanceHints(lanes: lanes), deadline: Limits.deadline)
    }

    private func beat() async throws(PostgresError) {
        guard let id = parts.identity.id else { return }
        let isDraining = parts.health.reasons.contains(.draining)
        let beat = Workers.beat(id, inFlight: Int32(clamping: parts.permits.current.count), draining: isDraining)
        try await session.execute(beat, deadline: Limits.deadline)
    }

    /// Takes this worker off the list: it ended in good order.
    private func leave() async {
        if let id = parts.identity.id {
            // Without an answer the list shows a worker that is not alive, until it is forgotten.
            _ = try? await session.execute(Workers.forget(id), deadline: .seconds(1))
        }
        await session.close()
    }

    /// Each duty by itself: one that fails (a lock that is not to be had) must not keep the others from being done.
    private func doDuties() async {
        await duty("partitions", .info, Duties.keepPartitions)
        await duty("repair", .warning, Duties.keepRepaired)
        await duty("leases", .info, Duties.keepLeases)
        await duty("keys", .warning, Duties.keepKeys)
        await duty("workers", .info, Duties.keepWorkers)
        if let name = await attempt("retention", Duties.keepRetention)?.first ?? nil {
            parts.log.log(.notice, "a partition past its retention was dropped", with: [.partition: .string(name)])
        }
    }

    private func duty<Duty: PostgresStatement>(
        _ name: String, _ level: Logger.Level, _ statement: Duty
    ) async where Duty.Row == Int32 {
        guard let count = await attempt(name, statement)?.first, count > 0 else { return }
        parts.log.log(
            level, "a housekeeping duty found work", with: [.loop: .string(name), .count: .stringConvertible(count)])
    }

    private func attempt<Duty: PostgresStatement>(_ name: String, _ statement: Duty) async -> [Duty.Row]? {
        guard !mustStop else { return nil }
        parts.health.beat(Self.loop)
        do throws(PostgresError) {
            return try await session.run(statement, deadline: Limits.dutyDeadline)
        } catch {
            parts.log.log(
                .warning, "a housekeeping duty failed and is tried again", with: [.loop: "\(name)", .error: "\(error)"])
            return nil
        }
    }
}
