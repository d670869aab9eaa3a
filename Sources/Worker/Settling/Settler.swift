import CoreMetrics
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry

/// What the settler asks of the database.
protocol SettleStore: LoopStore {
    /// - Parameters:
    ///   - worker: its id.
    ///   - again: the same batch was sent before and its fate is unknown.
    ///   - now: microseconds since 1970 by this worker's clock.
    /// - Returns: the ids of the deliveries whose lease was lost.
    func settle(
        _ batch: [Settlement], by worker: Int32, again: Bool, now: Int64
    ) async throws(PostgresError) -> [Int64]
}

/// Records outcomes, in batches: while one batch is on its way, the next one gathers, and while they come fast a little
/// longer (``SettlePace``).
///
/// What cannot be recorded is tried again until its lease is over, so a database that was away for a moment costs nothing.
/// After that, another worker delivers again: recording would change nothing any more.
final class Settler: Service {
    static let loop = "settler"
    /// How long the settler waits for outcomes before it shows that it is alive.
    static let idleWait = Duration.seconds(1)

    private let parts: WorkerParts
    private let store: any SettleStore
    private let arrived: Wakeup
    private let retry: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, store: any SettleStore, arrived: Wakeup) {
        self.parts = parts
        self.store = store
        self.arrived = arrived
        retry = Wakeup(on: parts.time)
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerServices.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            var pace = SettlePace(now: parts.time.now)
            while true {
                parts.health.beat(Self.loop)
                // The claimer stops before this service does, so once it must stop nothing can come after the last one.
                guard await hasArrived(atMost: mustStop ? .zero : Self.idleWait) else {
                    if mustStop { return }
                    continue
                }
                await gather(pace)
                let batch = parts.settleQueue.takeBatch()
                pace.took(batch.count, parts.time.now)
                for (worker, part) in Dictionary(grouping: batch, by: \.delivery.worker) {
                    await record(part, of: worker, isStripped: false)
                }
                parts.permits.giveBack(batch.map(\.delivery))
            }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.arrived.call()
            self.store.closeSoon()
        }
    }

    /// Waits for the first outcome.
    private func hasArrived(atMost wait: Duration) async -> Bool {
        if parts.settleQueue.want(1) { return true }
        if wait > .zero { await arrived.wait(atMost: wait) }
        return parts.settleQueue.want(1)
    }

    /// Waits for a batch worth its statement; not at all while outcomes come slowly.
    private func gather(_ pace: SettlePace) async {
        let wanted = pace.wanted(held: parts.permits.current.count)
        let end = parts.time.now + SettlePace.longestWait
        while !parts.settleQueue.want(wanted), parts.time.now < end {
            await arrived.wait(atMost: end - parts.time.now)
        }
    }

    /// - Parameter worker: the id under which the deliveries were claimed.
    private func record(_ batch: [Settlement], of worker: Int32, isStripped: Bool) async {
        // The lease of the delivery that was claimed last is at least this long from now.
        let giveUp = parts.time.now + parts.configuration.leaseSlack
        var attempt = SettleAttempt()
        var again = false
        while true {
            parts.health.beat(Self.loop)
            do throws(PostgresError) {
                let isAgain = again
                let stale = try await parts.perform(.settle) { () async throws(PostgresError) in
                    try await store.settle(batch, by: worker, again: isAgain, now: parts.wallClock())
                }
                recorded(batch, stale: stale)
                return
            } catch {
                // By then the claimer has waited long enough for what could still be recorded.
                let left = mustStop ? .zero : giveUp - parts.time.now
                let next = attempt.failed(error, count: batch.count, isStripped: isStripped, leaseLeft: left)
                show(storageFull: error.kind == .resource)
                parts.log.log(
                    .warning, "outcomes could not be recorded",
                    with: [
                        .error: "\(error)", .count: "\(batch.count)", .sqlState: "\(error.sqlState?.description ?? "")",
                    ])
                switch next {
                case .retry(let wait, let isAgain):
                    again = isAgain
                    await retry.wait(atMost: wait)
                case .split:
                    let middle = batch.count / 2
                    await record(Array(batch[..<middle]), of: worker, isStripped: isStripped)
                    await record(Array(batch[middle...]), of: worker, isStripped: isStripped)
                    return
                case .strip:
                    await record(batch.map(\.withoutForeignText), of: worker, isStripped: true)
                    return
                case .abandon:
                    parts.state.gaveUp(batch.count)
                    parts.permits.abandoned(batch.map(\.delivery))
                    parts.log.log(
                        .error, "gave up recording outcomes; these deliveries are sent again when their leases end",
                        with: [.count: "\(batch.count)", .error: "\(error)"])
                    return
                }
            }
        }
    }

    private func show(storageFull isFull: Bool) {
        parts.state.found(storageFull: isFull)
        parts.health.set(.storageFull, isFull)
    }

    private func recorded(_ batch: [Settlement], stale: [Int64]) {
        show(storageFull: false)
        parts.metrics.settles.increment()
        let stale = Set(stale)
        for settlement in batch {
            if stale.contains(settlement.delivery.id) {
                parts.metrics.staleSettles.increment()
                parts.metrics.count(DeliveryOutcome.stale)
                if settlement.outcome.isAttempt { parts.metrics.count(ErrorCode.lostLease) }
                parts.log.log(
                    .warning, "stale: the lease was lost, another attempt owns the delivery",
                    with: [
                        .deliveryID: "\(settlement.delivery.id)", .eventID: "\(settlement.delivery.event)",
                        .attempt: "\(settlement.delivery.attempt)", .outcome: "stale",
                    ])
                continue
            }
            parts.metrics.count(DeliveryOutcome(settlement.outcome))
            if settlement.outcome.isAttempt, let code = settlement.errorCode { parts.metrics.count(code) }
            if case .dead(let reason) = settlement.outcome {
                parts.metrics.deadLetters.increment()
                parts.log.log(
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
