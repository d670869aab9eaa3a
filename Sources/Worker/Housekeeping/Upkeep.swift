import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What the upkeep asks of the database.
protocol UpkeepStore: LoopStore {
    /// Which duties are due, and which fail.
    func duties() async throws(PostgresError) -> [DutyMark]
    /// Whether this worker is to do it. It stays marked as begun, however it ends.
    func take(_ duty: Duty) async throws(PostgresError) -> Bool
    /// Does a duty or a part of it. Returns how much there was to do something about, or the name of what was dropped.
    func perform(_ duty: Duty, limit: Duration) async throws(PostgresError) -> String?
    /// Keeps what it failed with.
    func note(_ error: String, of duty: Duty) async throws(PostgresError)
}

/// Does the duties whose time has come, each by itself. Every worker runs two, so that what is done in a moment never waits
/// for what may take long; the database sees to it that a duty is done once.
final class Upkeep: Service {
    /// The database knows when a duty is due; this is how often it is asked.
    static let pause = Duration.seconds(5)
    /// The same after something was done: a duty that has more to do is due at once. With more between its portions it would
    /// take longer, with less it would slow others down.
    static let busyPause = Duration.seconds(1)
    /// What the server allows one of the short duties.
    static let shortLimit = Duration.seconds(10)
    /// And one of the long: reading all of a DEFAULT partition of a hundred gigabytes.
    static let longLimit = Duration.seconds(120)
    /// On top of it, what the statements around a duty may take.
    private static let leeway = Duration.seconds(30)

    private let parts: WorkerParts
    private let store: any UpkeepStore
    private let duties: [Duty]
    private let limit: Duration
    private let loop: String
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    /// - Parameters:
    ///   - duties: which, in their order.
    ///   - limit: what the server allows each.
    init(_ parts: WorkerParts, store: any UpkeepStore, of duties: [Duty], limit: Duration) {
        self.parts = parts
        self.store = store
        self.duties = duties
        self.limit = limit
        loop = "duties \(duties.map(\.rawValue).joined(separator: " "))"
        wakeup = Wakeup(on: parts.time)
    }

    func run() async throws {
        // A long duty is as silent as it is long.
        parts.health.watch(loop, limit: limit + Self.leeway)
        defer { parts.health.unwatch(loop) }
        await withTaskCancellationOrGracefulShutdownHandler {
            // Those that this worker tried, and that were not done since.
            var failed: Set<Duty> = []
            while !mustStop {
                parts.health.beat(loop)
                let wasBusy = await doDuties(&failed)
                await wakeup.wait(atMost: wasBusy ? Self.busyPause : Self.pause)
            }
            await store.close()
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            // The server ends what runs with the connection.
            self.store.closeSoon()
        }
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) }

    /// Returns whether there was anything to do.
    private func doDuties(_ failed: inout Set<Duty>) async -> Bool {
        let marks: [DutyMark]
        do throws(PostgresError) { marks = try await store.duties() } catch {
            guard !mustStop else { return false }
            parts.log.log(
                .warning, "housekeeping failed and is tried again", with: [.loop: "duties", .error: "\(error)"])
            return false
        }
        let known = Dictionary(marks.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        show(known, &failed)
        let ours = duties.filter { known[$0.rawValue]?.isDue == true }
        for duty in ours where !mustStop {
            parts.health.beat(loop)
            switch await attempt(duty) {
            case .success(true):
                failed.remove(duty)
                parts.health.found(duty, isFailing: false)
            case .success(false): break
            // Readiness has words of its own for a database that is away, and a lock that another session holds is no fault here.
            case .failure(let error) where error.isOfConnection || error.sqlState == .lockNotAvailable: break
            case .failure: failed.insert(duty)
            }
        }
        return !ours.isEmpty
    }

    /// Shows which duties fail again and again here. The database counts, so that one which another worker has done is well.
    private func show(_ marks: [String: DutyMark], _ failed: inout Set<Duty>) {
        for duty in duties {
            let failures = marks[duty.rawValue]?.failures ?? 0
            if failures == 0 { failed.remove(duty) }
            parts.health.found(duty, isFailing: failures >= DutyOverview.patience && failed.contains(duty))
        }
    }

    /// One that fails (a lock that is not to be had) must not keep the others from being done.
    ///
    /// - Returns: whether it was done: another worker may do it just now.
    private func attempt(_ duty: Duty) async -> Result<Bool, PostgresError> {
        do throws(PostgresError) {
            guard try await store.take(duty) else { return .success(false) }
            if let found = try await store.perform(duty, limit: limit) { tell(found, of: duty) }
            return .success(true)
        } catch {
            guard !mustStop else { return .success(false) }
            parts.metrics.countFailure(of: duty)
            parts.log.log(
                .warning, "a housekeeping duty failed and is tried again",
                with: [.loop: .string(duty.rawValue), .error: "\(error)"])
            // Without it the database still knows that the duty failed.
            try? await store.note(error.description, of: duty)
            return .failure(error)
        }
    }

    private func tell(_ found: String, of duty: Duty) {
        if duty == .retention {
            parts.log.log(.notice, "a partition past its retention was dropped", with: [.partition: .string(found)])
        } else if found != "0" {
            parts.log.log(
                duty.level, "a housekeeping duty found work",
                with: [.loop: .string(duty.rawValue), .count: .string(found)])
        }
    }
}

extension Duty {
    /// How loud the log tells that there was something to do.
    fileprivate var level: Logger.Level {
        switch self {
        case .partitions, .retention, .workers, .replays: .info
        case .idempotency, .strays, .inbox: .debug
        case .repair, .repairAll, .keys, .backlog: .warning
        }
    }
}
