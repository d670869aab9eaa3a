import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What the shaper asks of the database.
protocol ShapeStore: LoopStore {
    /// Asks the filter and the transform of an endpoint, of the events in this order; some of the last may be left for the next time.
    func shape(_ events: [EventKey], for endpoint: Int32, _ shaping: Shaping) async throws(PostgresError)
        -> [ShapedEvent]
}

/// What the claimer asks of the shaper.
protocol ShapingDesk: Sendable {
    func submit(_ deliveries: [UnshapedDelivery])
    /// Gives back what waits.
    func cancelAll()
}

/// Between the claimer and the couriers: deliveries of endpoints with a filter or a transform.
///
/// It has a connection of its own, made when it is first needed: what an operator wrote may take as long as it is allowed to, and claims
/// go on beside it. What fails for an event by itself is a failed attempt; nothing else that goes wrong here counts as one.
final class Shaper: Service, ShapingDesk {
    static let loop = "shaper"
    /// How long one event may take, filter and transform together. A statement is ended after this.
    static let limit = Duration.seconds(1)
    /// For how long a statement goes on with further events.
    static let budget = Duration.milliseconds(200)
    /// The longest rest of the loop.
    static let longestWait = Duration.seconds(1)

    private let parts: WorkerParts
    private let store: any ShapeStore
    private let couriers: any Couriers
    private let queue = Mutex(ShapingQueue())
    private let arrived: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, store: any ShapeStore, couriers: any Couriers) {
        self.parts = parts
        self.store = store
        self.couriers = couriers
        arrived = Wakeup(on: parts.time)
    }

    func submit(_ deliveries: [UnshapedDelivery]) {
        guard !deliveries.isEmpty else { return }
        queue.withLock { $0.add(deliveries) }
        arrived.call()
    }

    func cancelAll() {
        giveBack(queue.withLock { $0.takeAll() })
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) || Task.isCancelled }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerServices.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            var failures = FailurePace()
            while !mustStop {
                parts.health.beat(Self.loop)
                let batch = queue.withLock { $0.next() }
                guard !batch.isEmpty else {
                    await arrived.wait(atMost: Self.longestWait)
                    continue
                }
                do throws(PostgresError) {
                    try await shape(batch)
                    failures.succeeded()
                } catch {
                    giveBack(batch)
                    parts.log.log(
                        .warning, "filters and transforms cannot be asked",
                        with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                    await arrived.wait(atMost: failures.failed(error))
                }
            }
            cancelAll()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.arrived.call()
            self.store.closeSoon()
        }
    }

    /// Asks for a batch of one endpoint, and sends or settles what it got an answer for.
    private func shape(_ batch: [UnshapedDelivery]) async throws(PostgresError) {
        let now = parts.time.now
        // Nothing can be sent of these any more within their leases.
        let late = batch.filter { mustStart($0) <= now }
        giveBack(late)
        let batch = late.isEmpty ? batch : batch.filter { mustStart($0) > now }
        guard let endpoint = batch.first?.endpoint, let shaping = endpoint.shaping else { return giveBack(batch) }
        let answer = try await parts.perform(.shape) {
            () async throws(PostgresError) -> Result<[ShapedEvent], PostgresError> in
            do throws(PostgresError) {
                return .success(try await store.shape(batch.map(\.delivery.eventKey), for: endpoint.id, shaping))
            } catch {
                guard error.isOfShaping else { throw error }
                return .failure(error)
            }
        }
        switch answer {
        case .success(let events):
            let known = Dictionary(events.map { ($0.key, $0.result) }, uniquingKeysWith: { first, _ in first })
            finish(batch.filter { known[$0.delivery.eventKey] != nil }, known, endpoint, askedAt: now)
            let left = batch.filter { known[$0.delivery.eventKey] == nil }
            queue.withLock { $0.putBack(left) }
        case .failure where batch.count > 1:
            queue.withLock { $0.takeApart(batch) }
        case .failure(let error):
            let why = error.sqlState == .queryCanceled ? "it took longer than a second" : error.message
            settle(
                batch.map {
                    Settlement(
                        $0.delivery, to: endpoint, after: .failed(shaping.errorCode, detail: why), now: now,
                        wallClock: parts.wallClock())
                }, since: now)
        }
    }

    private func finish(
        _ batch: [UnshapedDelivery], _ known: [EventKey: ShapedEvent.Result], _ endpoint: Endpoint,
        askedAt: ContinuousClock.Instant
    ) {
        guard let oldest = batch.map(\.claimRequestedAt).min(), let code = endpoint.shaping?.errorCode else { return }
        var events: [StoredEvent] = []
        var seen: [EventKey: DeliveryObservation] = [:]
        for (key, result) in known {
            switch result {
            case .missing: continue
            case .passed(let event): events.append(event)
            case .filtered(let event, let why):
                events.append(event)
                seen[key] = .filtered(why)
            case .failed(let event, let why):
                events.append(event)
                seen[key] = .failed(code, detail: why)
            }
        }
        let now = parts.time.now
        var endpoints = EndpointCache()
        endpoints.keep([endpoint], now)
        let built = parts.builder.build(
            batch.map(\.delivery), events: events, seen: seen, endpoints: endpoints,
            passing: batch.contains(where: \.passes) ? [endpoint.id] : [], claimRequestedAt: oldest, now: now,
            wallClock: parts.wallClock())
        settle(built.settled, since: askedAt)
        couriers.submit(built.requests)
    }

    /// Records what ends here, and tells the claimer how these endpoints do.
    private func settle(_ settlements: [Settlement], since askedAt: ContinuousClock.Instant) {
        let took = Int64((parts.time.now - askedAt) / .microseconds(1))
        parts.permits.answered(settlements.map { LaneNews.Answered($0, took: took, rest: nil) })
        parts.settleQueue.add(settlements)
    }

    private func mustStart(_ unshaped: UnshapedDelivery) -> ContinuousClock.Instant {
        Lease(timeout: unshaped.endpoint.timeout, slack: parts.builder.leaseSlack)
            .mustStartBefore(claimRequestedAt: unshaped.claimRequestedAt)
    }

    private func giveBack(_ deliveries: [UnshapedDelivery]) {
        parts.settleQueue.add(deliveries.map { Settlement($0.delivery, .released) })
    }
}

extension PostgresError {
    /// Whether it says something of what was asked for, and not of the database: it took too long, or one event is at fault.
    fileprivate var isOfShaping: Bool { sqlState == .queryCanceled || mayConcernOneRow }
}
