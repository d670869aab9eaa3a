import CoreMetrics
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry

/// Records outcomes, in batches: while one batch is on its way, the next one gathers.
///
/// What cannot be recorded is tried again until its lease is over, so a database that was away for a moment costs nothing.
/// After that, somebody else delivers again: recording would change nothing any more.
final class Settler: Service {
    static let loop = "settler"
    /// How long one settle may take.
    static let deadline = Duration.seconds(10)
    /// While much is under way, a batch is worth waiting for this long, until it holds this share of what is under way: a
    /// settle costs the database about as much as recording fifty rows.
    static let gatherWait = Duration.milliseconds(2)
    static let gatherFrom = 64
    static let gatherShare = 3
    /// How long the settler waits for outcomes before it shows that it is alive.
    static let idleWait = Duration.seconds(1)

    private let worker: WorkerIdentity
    private let session: PostgresSession
    private let queue: SettleQueue
    private let arrived: Wakeup
    private let permits: Permits
    private let health: HealthState
    private let metrics: DeliveryMetrics
    private let leaseSlack: Duration
    private let wallClock: @Sendable () -> Int64
    private let log: Logger
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, session: PostgresSession, arrived: Wakeup) {
        worker = parts.identity
        self.session = session
        queue = parts.settleQueue
        self.arrived = arrived
        permits = parts.permits
        health = parts.health
        metrics = parts.metrics
        leaseSlack = parts.configuration.leaseSlack
        wallClock = parts.wallClock
        log = parts.log
    }

    func run() async throws {
        health.watch(Self.loop, limit: WorkerService.silence)
        defer { health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            while true {
                health.beat(Self.loop)
                await gather()
                let batch = queue.takeBatch()
                guard batch.isEmpty else {
                    await record(batch, isStripped: false)
                    permits.giveBack(batch.map(\.delivery))
                    continue
                }
                // Whoever claims stops before this service does, so nothing can come after the last one.
                if isStopping.load(ordering: .acquiring) || Task.isCancelled { return }
                await arrived.wait(atMost: Self.idleWait)
            }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.arrived.call()
            self.session.closeSoon()
        }
    }

    /// Waits for a batch worth its statement; not at all when little is under way.
    private func gather() async {
        let held = permits.current.count
        guard held >= Self.gatherFrom, queue.count > 0 else { return }
        let end = ContinuousClock.now + Self.gatherWait
        while queue.count < min(held / Self.gatherShare, SettleQueue.batchLimit), ContinuousClock.now < end {
            await arrived.wait(atMost: end - .now)
        }
    }

    private func record(_ batch: [Settlement], isStripped: Bool) async {
        guard let id = worker.id else { return }
        // The lease of the delivery that was claimed last is at least this long from now.
        let giveUp = ContinuousClock.now + leaseSlack
        var attempt = SettleAttempt()
        var again = false
        while true {
            health.beat(Self.loop)
            do {
                let statement = SettleDeliveries(worker: id, batch: batch, again: again, now: wallClock())
                recorded(batch, stale: try await session.run(statement, deadline: Self.deadline))
                return
            } catch {
                // By then the claimer has waited long enough for what could still be recorded.
                let left = isStopping.load(ordering: .acquiring) ? .zero : giveUp - .now
                let next = attempt.failed(error, count: batch.count, isStripped: isStripped, leaseLeft: left)
                health.set(.storageFull, error.kind == .resource)
                log.log(
                    .warning, "outcomes could not be recorded",
                    with: [
                        .error: "\(error)", .count: "\(batch.count)", .sqlState: "\(error.sqlState?.description ?? "")",
                    ])
                switch next {
                case .retry(let wait, let isAgain):
                    again = isAgain
                    try? await Task.sleep(for: wait)
                case .split:
                    let middle = batch.count / 2
                    await record(Array(batch[..<middle]), isStripped: isStripped)
                    await record(Array(batch[middle...]), isStripped: isStripped)
                    return
                case .strip:
                    await record(batch.map(\.withoutForeignText), isStripped: true)
                    return
                case .abandon:
                    log.log(
                        .error, "outcomes were given up; their deliveries are made again when their leases end",
                        with: [.count: "\(batch.count)", .error: "\(error)"])
                    return
                }
            }
        }
    }

    private func recorded(_ batch: [Settlement], stale: [Int64]) {
        health.set(.storageFull, false)
        metrics.settles.increment()
        let stale = Set(stale)
        for settlement in batch {
            if stale.contains(settlement.delivery.id) {
                metrics.staleSettles.increment()
                metrics.count(DeliveryOutcome.stale)
                log.log(
                    .warning, "stale: the lease was lost, another attempt owns the delivery",
                    with: [
                        .deliveryID: "\(settlement.delivery.id)", .eventID: "\(settlement.delivery.event)",
                        .attempt: "\(settlement.delivery.attempt)", .outcome: "stale",
                    ])
                continue
            }
            metrics.count(DeliveryOutcome(settlement.outcome))
            if case .dead(let reason) = settlement.outcome {
                metrics.deadLetters.increment()
                log.log(
                    .warning, "a delivery is dead",
                    with: [
                        .deliveryID: "\(settlement.delivery.id)", .eventID: "\(settlement.delivery.event)",
                        .attempt: "\(settlement.delivery.attempt)", .reason: "\(reason.rawValue)",
                        .errorCode: "\(settlement.errorCode?.rawValue ?? "")",
                    ])
            }
        }
    }
}

extension Settlement {
    /// The same without a byte that came from outside.
    fileprivate var withoutForeignText: Settlement {
        var copy = self
        copy.responseBody = nil
        copy.error = nil
        copy.remoteAddress = nil
        return copy
    }
}

extension DeliveryOutcome {
    fileprivate init(_ outcome: Settlement.Outcome) {
        switch outcome {
        case .delivered: self = .delivered
        case .retry: self = .retry
        case .dead: self = .dead
        case .gone: self = .gone
        case .expired: self = .expired
        case .released: self = .released
        }
    }
}
