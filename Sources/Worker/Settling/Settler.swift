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
    ///   - leave: leave out what another session holds, instead of failing after a moment.
    /// - Returns: what was not recorded.
    func settle(
        _ batch: [Settlement], by worker: Int32, again: Bool, leave: Bool, now: ContinuousClock.Instant
    ) async throws(PostgresError) -> [SettleDeliveries.Row]
}

/// Records outcomes, in batches: while one batch is on its way, the next one gathers, and while they come fast a little
/// longer (``SettlePace``).
///
/// What cannot be recorded because the database is away is kept and tried again, for hours if need be: the permits bound it,
/// nothing is claimed in the meantime, and no other worker can have it either. What another session holds is set aside
/// (``Postponed``). Outcomes are given up only when the process must end, or when the database refuses a row for good.
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
            await settle()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.arrived.call()
            self.store.closeSoon()
        }
    }

    private func settle() async {
        var pace = SettlePace(now: parts.time.now)
        var postponed = Postponed()
        while true {
            parts.health.beat(Self.loop)
            // The claimer stops before this service does, so once it must stop nothing can come after the last one.
            let isLast = mustStop
            if await hasArrived(atMost: isLast ? .zero : idleWait(postponed)) {
                await gather(pace)
                let batch = parts.settleQueue.takeBatch()
                pace.took(batch.count, parts.time.now)
                let left = await record(postponed.join(batch), leave: false)
                postponed.left(left, now: parts.time.now)
            } else if isLast {
                giveUp(await record(postponed.takeAll(), leave: true), because: "another session holds them")
                return
            }
            let due = postponed.take(SettleQueue.batchLimit, now: parts.time.now)
            let left = await record(due, leave: true)
            postponed.left(left, now: parts.time.now)
        }
    }

    private func idleWait(_ postponed: Postponed) -> Duration {
        guard let next = postponed.next else { return Self.idleWait }
        return max(.zero, min(Self.idleWait, next - parts.time.now))
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

    /// Records a batch, however long the database is away, and gives its permits back.
    ///
    /// - Parameter leave: leave out from the start what another session holds.
    /// - Returns: what was left. It keeps its permits.
    private func record(_ batch: [Settlement], leave: Bool) async -> [Settlement] {
        var left: [Settlement] = []
        for (worker, part) in Dictionary(grouping: batch, by: \.delivery.worker) {
            left += await record(part, of: worker, isStripped: false, leave: leave)
        }
        parts.state.found(behind: false)
        return left
    }

    /// - Parameter worker: the id under which the deliveries were claimed.
    private func record(
        _ batch: [Settlement], of worker: Int32, isStripped: Bool, leave: Bool
    ) async -> [Settlement] {
        var leave = leave
        var attempt = SettleAttempt()
        var again = false
        while true {
            parts.health.beat(Self.loop)
            do throws(PostgresError) {
                let (isAgain, isLeaving) = (again, leave)
                let rows = try await parts.perform(.settle) { () async throws(PostgresError) in
                    try await store.settle(batch, by: worker, again: isAgain, leave: isLeaving, now: parts.time.now)
                }
                return recorded(batch, except: rows)
            } catch {
                let next = attempt.failed(
                    error, count: batch.count, isStripped: isStripped, isLeaving: leave, mustEnd: mustStop)
                report(error, next)
                switch next {
                case .leaveOut(let isAgain):
                    again = isAgain
                    leave = true
                case .retry(let wait, let isAgain):
                    again = isAgain
                    parts.state.found(behind: true)
                    await retry.wait(atMost: wait)
                case .split:
                    let middle = batch.count / 2
                    let first = await record(Array(batch[..<middle]), of: worker, isStripped: isStripped, leave: leave)
                    return first
                        + (await record(Array(batch[middle...]), of: worker, isStripped: isStripped, leave: leave))
                case .strip:
                    return await record(batch.map(\.withoutForeignText), of: worker, isStripped: true, leave: leave)
                case .abandon:
                    giveUp(batch, because: "\(error)")
                    return []
                }
            }
        }
    }

    /// A settle has no connection, and is going to wait for one as long as a statement may take: that is told at once. Nothing is
    /// claimed in the meantime.
    static func cannotConnect(_ parts: WorkerParts, _ error: PostgresError) {
        parts.state.found(behind: true)
        report(error, parts)
    }

    private func report(_ error: PostgresError, _ next: SettleAttempt.Next) {
        show(storageFull: error.kind == .resource)
        if case .leaveOut = next { return }
        Self.report(error, parts)
    }

    private static func report(_ error: PostgresError, _ parts: WorkerParts) {
        parts.log.log(
            .warning, "outcomes could not be recorded",
            with: [
                .error: "\(error)", .count: "\(parts.settleQueue.unrecorded)",
                .sqlState: "\(error.sqlState?.description ?? "")",
            ])
    }

    private func giveUp(_ batch: [Settlement], because error: String) {
        guard !batch.isEmpty else { return }
        parts.state.gaveUp(batch.count)
        parts.metrics.lostOutcomes.increment(by: batch.count)
        for settlement in batch {
            parts.log.log(
                .critical, "an outcome is lost; the delivery is sent again when its lease ends",
                with: [
                    .deliveryID: "\(settlement.delivery.id)", .eventID: "\(settlement.delivery.event)",
                    .attempt: "\(settlement.delivery.attempt)",
                    .outcome: "\(DeliveryOutcome(settlement.outcome).rawValue)", .error: "\(error)",
                ])
        }
        parts.settleQueue.ended(batch.count)
        parts.permits.abandoned(batch.map(\.delivery))
        parts.permits.giveBack(batch.map(\.delivery))
    }

    private func show(storageFull isFull: Bool) {
        parts.state.found(storageFull: isFull)
        parts.health.set(.storageFull, isFull)
    }

    /// Takes in what a settle did. Returns what it left.
    private func recorded(_ batch: [Settlement], except rows: [SettleDeliveries.Row]) -> [Settlement] {
        show(storageFull: false)
        parts.metrics.settles.increment()
        guard !rows.isEmpty else {
            for settlement in batch { count(settlement) }
            parts.settleQueue.ended(batch.count)
            parts.permits.giveBack(batch.map(\.delivery))
            return []
        }
        var stale: Set<Int64> = []
        var places: Set<Int> = []
        var spared: Set<Int> = []
        for row in rows {
            switch row {
            case .stale(let id): stale.insert(id)
            case .left(let place): places.insert(place)
            case .spared(let place): spared.insert(place)
            case .news(let news): tell(news)
            }
        }
        var left: [Settlement] = []
        var settled: [ClaimedDelivery] = []
        for (place, settlement) in batch.enumerated() {
            if places.contains(place) {
                left.append(settlement)
                continue
            }
            settled.append(settlement.delivery)
            var settlement = settlement
            if spared.contains(place) { settlement.outcome = .retry(after: .zero) }
            if stale.contains(settlement.delivery.id) { countStale(settlement) } else { count(settlement) }
        }
        parts.settleQueue.ended(settled.count)
        parts.permits.giveBack(settled)
        return left
    }

    private func tell(_ news: EndpointNews) {
        let data: [LogKey: Logger.MetadataValue] = [.endpoint: "\(news.endpoint)", .error: "\(news.why ?? "")"]
        switch news.kind {
        case .failing:
            parts.log.log(.warning, "an endpoint is failing; its lane is closed until a probe succeeds", with: data)
        case .recovered: parts.log.log(.notice, "an endpoint works again", with: [.endpoint: "\(news.endpoint)"])
        case .disabled: parts.log.log(.error, "an endpoint is disabled; its deliveries are held", with: data)
        case .warned: parts.log.log(.warning, "an endpoint will be disabled if it goes on failing", with: data)
        }
        parts.metrics.count(EndpointChange(news.kind))
    }

    private func countStale(_ settlement: Settlement) {
        parts.metrics.staleSettles.increment()
        parts.metrics.count(DeliveryOutcome.stale)
        parts.log.log(
            .warning, "stale: the lease was lost, another attempt owns the delivery",
            with: [
                .deliveryID: "\(settlement.delivery.id)", .eventID: "\(settlement.delivery.event)",
                .attempt: "\(settlement.delivery.attempt)", .outcome: "stale",
            ])
    }

    private func count(_ settlement: Settlement) {
        parts.metrics.count(DeliveryOutcome(settlement.outcome))
        if settlement.outcome.isAttempt, let code = settlement.errorCode { parts.metrics.count(code) }
        let reason: DeadReason
        switch settlement.outcome {
        case .dead(let why): reason = why
        case .spent: reason = .attemptsExhausted
        case .delivered, .retry, .gone, .disabled, .expired, .filtered, .released: return
        }
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

extension Settlement {
    /// The same without a byte that came from outside.
    fileprivate var withoutForeignText: Settlement {
        var copy = self
        copy.responseBody = nil
        copy.error = nil
        copy.retryAfter = nil
        copy.location = nil
        copy.remoteAddress = nil
        return copy
    }
}

extension EndpointChange {
    fileprivate init(_ kind: EndpointNews.Kind) {
        switch kind {
        case .failing: self = .failing
        case .recovered: self = .recovered
        case .disabled: self = .disabled
        case .warned: self = .warned
        }
    }
}

extension DeliveryOutcome {
    fileprivate init(_ outcome: Settlement.Outcome) {
        switch outcome {
        case .delivered: self = .delivered
        case .retry: self = .retry
        case .dead, .spent: self = .dead
        case .gone, .disabled: self = .gone
        case .expired: self = .expired
        case .filtered: self = .filtered
        case .released: self = .released
        }
    }
}
