import Courier
import Postgres

@testable import OutboxStore
@testable import Worker

/// A database that the claimer looks at: it holds what the test puts there, and remembers what it was asked.
final class FakeClaimStore: ClaimStore {
    struct Content: Sendable {
        /// What each look finds that starts from here; the number is what it has seen.
        var written: [[FoundLane]] = []
        /// What a walk finds.
        var lanes: [WalkedLane] = []
        /// Deliveries that may be claimed, in their order.
        var due: [ClaimedDelivery] = []
        /// What a claim says of a lane, where it is not what follows from `due`.
        var states: [Int32: LaneReport.State] = [:]
        /// Which look is on another server than the one before it, counted from 1.
        var lookOnOtherServer = 0
        /// What happens during each look; the number is how many there were before it.
        var onLook: @Sendable (Int) -> Void = { _ in }
        /// What each kind of statement fails with.
        var lookError: PostgresError?
        var claimError: PostgresError?
        var loadError: PostgresError?
        var fetchError: PostgresError?
        /// Lanes, endpoints and events whose values spoil a statement for all that it is asked for.
        var spoiltLanes: Set<Int32> = []
        var spoiltEndpoints: Set<Int32> = []
        var spoiltEvents: Set<Int64> = []
        /// What is read of endpoints, where it is not a sound one.
        var records: [Int32: EndpointRecord] = [:]

        var preparations = 0
        var looks: [String?] = []
        /// How long each look might wait.
        var waits: [Duration] = []
        var walks: [Int32?] = []
        /// Where walks began, and where the next ones get to; to the end where nothing is said.
        var strides: [Int32?] = []
        var reaches: [Int32] = []
        var asked: [ClaimDeliveries] = []
        /// What the worker has leased.
        var leased: [ClaimedDelivery] = []
        var leaseReads: [[Int32: PostgresTimestamp]] = []
        var fetches = 0
    }

    let content = Shared(Content())
    private let time: ManualLoopClock
    private let start: ContinuousClock.Instant
    let closed = Signal()

    init(time: ManualLoopClock) {
        self.time = time
        start = time.now
    }

    /// The database's clock.
    var clock: PostgresTimestamp {
        PostgresTimestamp(unixMicroseconds: 1_700_000_000_000_000).advanced(by: time.now - start)
    }

    var asked: [ClaimDeliveries] { content.value.asked }

    func prepareToClaim(as worker: Int32) async throws(PostgresError) {
        content.change { $0.preparations += 1 }
    }

    func look(since seen: String?, waiting wait: Duration) async throws(PostgresError) -> [LookAtLanes.Row] {
        let now = content.change { content in
            content.looks.append(seen)
            content.waits.append(wait)
            return content
        }
        now.onLook(now.looks.count - 1)
        if let error = now.lookError { throw error }
        let news = seen.flatMap { Int($0) }.map { Array(now.written.dropFirst($0).joined()) } ?? []
        return [
            .seen(
                LookAtLanes.Seen(
                    snapshot: "\(now.written.count)", clock: clock,
                    isOtherServer: now.looks.count == now.lookOnOtherServer))
        ] + news.map { .found($0) }
    }

    func walk(after last: Int32?, exceptHeldBy worker: Int32?) async throws(PostgresError) -> [WalkLanes.Row] {
        content.change { content in
            content.walks.append(worker)
            content.strides.append(last)
            let reached = content.reaches.isEmpty ? nil : content.reaches.removeFirst()
            return content.lanes.map { .found($0) } + [.reached(reached)]
        }
    }

    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimDeliveries.Row] {
        let clock = clock
        let (error, rows): (PostgresError?, [ClaimDeliveries.Row]) = content.change { content in
            content.asked.append(claim)
            guard content.claimError == nil else { return (content.claimError, []) }
            guard content.spoiltLanes.isDisjoint(with: claim.lanes) else { return (.refused("22003"), []) }
            var rows: [ClaimDeliveries.Row] = []
            for (lane, room) in zip(claim.lanes, claim.rooms) {
                let taken = content.due.filter { $0.endpoint == lane }.prefix(Int(room))
                content.due.removeAll { taken.contains($0) }
                let isEmpty = !content.due.contains { $0.endpoint == lane }
                rows += taken.map { .delivery($0) }
                rows.append(
                    .report(
                        LaneReport(
                            endpoint: lane, state: content.states[lane] ?? (isEmpty ? .empty : .more),
                            from: clock, nextAt: .infinity)))
            }
            return (nil, rows)
        }
        if let error { throw error }
        return rows
    }

    func leases(
        of worker: Int32, in lanes: [Int32: PostgresTimestamp]
    ) async throws(PostgresError) -> [ClaimedDelivery] {
        content.change { content in
            content.leaseReads.append(lanes)
            return content.leased
        }
    }

    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord] {
        let content = content.value
        if let error = content.loadError { throw error }
        guard content.spoiltEndpoints.isDisjoint(with: ids) else { throw PostgresError(.unexpectedValue, "no array") }
        return ids.map { content.records[$0] ?? Samples.record($0) }
    }

    func fetchEvents(_ keys: [EventKey]) async throws(PostgresError) -> [StoredEvent] {
        content.change { $0.fetches += 1 }
        if let error = content.value.fetchError { throw error }
        guard content.value.spoiltEvents.isDisjoint(with: keys.map(\.id)) else { throw .badText }
        return keys.map { Samples.event($0.id) }
    }

    func closeSoon() { closed.send() }
    func close() async { closeSoon() }
}

extension FakeClaimStore {
    /// A transaction that writes these deliveries commits.
    func commit(_ deliveries: [ClaimedDelivery]) {
        let clock = clock
        content.change { content in
            content.due += deliveries
            content.written.append(
                Set(deliveries.map(\.endpoint)).sorted().map { lane in
                    FoundLane(endpoint: lane, dueAt: clock, count: deliveries.count { $0.endpoint == lane })
                })
        }
    }
}

/// A shaper that keeps what it is given.
final class FakeShapingDesk: ShapingDesk {
    let deliveries = Shared<[Int64]>([])
    let cancels = Shared(0)

    func submit(_ deliveries: [UnshapedDelivery]) {
        self.deliveries.change { $0 += deliveries.map(\.delivery.id) }
    }

    func cancelAll() { cancels.change { $0 += 1 } }
}

/// Couriers that carry nothing: requests stay until the test does something about them.
final class FakeCouriers: Couriers {
    struct Content: Sendable {
        var deliveries: [Int64] = []
        var bodies: [String] = []
        /// Those of them that pass others.
        var passing: [Int64] = []
        var cancels = 0
        var queued = 0
        /// What happens on `cancelAll`.
        var onCancel: @Sendable () -> Void = {}
    }

    let content = Shared(Content())

    var deliveries: [Int64] { content.value.deliveries }
    var bodies: [String] { content.value.bodies }
    var passing: [Int64] { content.value.passing }
    var cancels: Int { content.value.cancels }
    var queued: Int { content.value.queued }

    func submit(_ batch: [OutgoingDelivery]) {
        let ids = batch.map(\.delivery.id)
        let bodies = batch.map { $0.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
        let passing = batch.filter(\.passesOthers).map(\.delivery.id)
        content.change { content in
            content.deliveries += ids
            content.bodies += bodies
            content.passing += passing
        }
    }

    func cancelAll() {
        let act = content.change { content in
            content.cancels += 1
            return content.onCancel
        }
        act()
    }
}
