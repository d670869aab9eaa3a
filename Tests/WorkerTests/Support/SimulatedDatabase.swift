import OutboxStore
import Postgres

@testable import Worker

/// The lanes and rows of a database in memory, as far as the schedule sees them. One tick is a millisecond.
///
/// A claim reads a lane from where it is told and sees nothing before that. A look tells each row once.
struct SimulatedDatabase {
    struct Lease {
        let worker: Int
        let dueAt: PostgresTimestamp
        let until: PostgresTimestamp
    }

    struct Lane {
        let tenant: Int
        /// Rows without a lease that are due at the same time, in the order of those times.
        var rows: [(dueAt: PostgresTimestamp, count: Int)] = []
        /// By the id of the delivery.
        var leases: [Int: Lease] = [:]
        var limit = Int.max
        /// There is a token every so many ticks; 0 for no limit.
        var ticksPerToken = 0
        var nextToken = PostgresTimestamp.negativeInfinity
        var opensAt = PostgresTimestamp.negativeInfinity
        var lockedUntil = 0
        var lockedBy = -1
        /// Since when it could be claimed and was not.
        var claimableSince: Int?

        mutating func add(_ count: Int, dueAt: PostgresTimestamp) {
            let place = rows.firstIndex { $0.dueAt >= dueAt } ?? rows.count
            if place < rows.count, rows[place].dueAt == dueAt {
                rows[place].count += count
            } else {
                rows.insert((dueAt, count), at: place)
            }
        }
    }

    /// The database's clock at tick 0, and how far it was set since.
    var clock = PostgresTimestamp(rawValue: 800_000_000_000_000)
    var tick = 0
    /// Payload bytes of a row of a lane.
    var bytesOfRow: (Int32) -> Int = { _ in 1_000 }
    var lanes: [Int32: Lane] = [:]
    /// What looks tell, in the order in which it happened.
    private(set) var news: [FoundLane] = []
    private var lastDelivery = 0

    var now: PostgresTimestamp { clock.advanced(by: .milliseconds(tick)) }

    func after(_ ticks: Int) -> PostgresTimestamp { now.advanced(by: .milliseconds(ticks)) }

    mutating func publish(_ count: Int = 1, to lane: Int32, dueIn: Int = 0) {
        let dueAt = after(dueIn)
        lanes[lane]?.add(count, dueAt: dueAt)
        news.append(FoundLane(endpoint: lane, dueAt: dueAt, count: min(count, 64)))
    }

    mutating func change(_ lane: Int32, _ body: (inout Lane) -> Void) {
        guard var changed = lanes[lane] else { return }
        body(&changed)
        lanes[lane] = changed
        news.append(FoundLane(endpoint: lane, dueAt: .infinity, count: 0, hasChanged: true))
    }

    /// What is new since another look, each lane once.
    func look(since place: Int) -> [FoundLane] {
        var found: [Int32: FoundLane] = [:]
        var order: [Int32] = []
        for one in news[place...] {
            guard let old = found[one.endpoint] else {
                found[one.endpoint] = one
                order.append(one.endpoint)
                continue
            }
            found[one.endpoint] = FoundLane(
                endpoint: one.endpoint, dueAt: min(old.dueAt, one.dueAt), count: min(64, old.count + one.count),
                hasChanged: old.hasChanged || one.hasChanged)
        }
        return order.compactMap { found[$0] }
    }

    func walk() -> [WalkedLane] {
        lanes.keys.sorted().compactMap { id in
            guard let lane = lanes[id] else { return nil }
            let leased = lane.leases.values
            let from = min(lane.rows.first?.dueAt ?? .infinity, leased.map(\.dueAt).min() ?? .infinity)
            guard from < .infinity else { return nil }
            let nextAt = min(lane.rows.first?.dueAt ?? .infinity, leased.map(\.until).min() ?? .infinity)
            return WalkedLane(endpoint: id, from: from, nextAt: max(nextAt, lane.opensAt))
        }
    }

    // MARK: Claims

    struct Claimed {
        var deliveries: [(id: Int, endpoint: Int32, dueAt: PostgresTimestamp)] = []
        var reports: [LaneReport] = []
        var bytes = 0
    }

    mutating func claim(_ plan: ClaimPlan, by worker: Int, lease: Int, lock: Int) -> Claimed {
        var claimed = Claimed()
        for named in plan.lanes {
            guard var lane = lanes[named.endpoint] else { continue }
            endLeases(&lane)
            let report = take(named, of: &lane, by: worker, lease: lease, lock: lock, plan.byteBudget, &claimed)
            claimed.reports.append(report)
            lanes[named.endpoint] = lane
        }
        return claimed
    }

    private mutating func take(
        _ named: ClaimPlan.Lane, of lane: inout Lane, by worker: Int, lease: Int, lock: Int, _ byteBudget: Int,
        _ claimed: inout Claimed
    ) -> LaneReport {
        func report(_ state: LaneReport.State, _ nextAt: PostgresTimestamp = .infinity) -> LaneReport {
            let from = min(
                lane.rows.first?.dueAt ?? .infinity,
                lane.leases.values.filter { $0.worker != worker }.map(\.dueAt).min() ?? .infinity)
            return LaneReport(endpoint: named.endpoint, state: state, from: from, nextAt: nextAt)
        }
        if lane.lockedUntil > tick, lane.lockedBy != worker {
            return LaneReport(endpoint: named.endpoint, state: .busy, from: named.from, nextAt: .infinity)
        }
        if lane.opensAt > now { return report(.closed, lane.opensAt) }
        var taken = 0
        let visible = lane.rows.firstIndex { $0.dueAt >= named.from } ?? lane.rows.count
        while visible < lane.rows.count, lane.rows[visible].dueAt <= now, taken < named.room {
            let bytes = bytesOfRow(named.endpoint)
            // One is taken however large it is.
            if lane.leases.count >= lane.limit || !claimed.deliveries.isEmpty && claimed.bytes + bytes > byteBudget {
                break
            }
            if lane.ticksPerToken > 0 {
                guard lane.nextToken <= now else { break }
                lane.nextToken = after(lane.ticksPerToken)
            }
            lastDelivery += 1
            claimed.bytes += bytes
            let dueAt = lane.rows[visible].dueAt
            lane.leases[lastDelivery] = Lease(worker: worker, dueAt: dueAt, until: after(lease))
            claimed.deliveries.append((lastDelivery, named.endpoint, dueAt))
            lane.rows[visible].count -= 1
            if lane.rows[visible].count == 0 { lane.rows.remove(at: visible) }
            taken += 1
        }
        if taken > 0 {
            lane.lockedUntil = tick + lock
            lane.lockedBy = worker
            lane.claimableSince = nil
        }
        if visible < lane.rows.count, lane.rows[visible].dueAt <= now {
            if lane.leases.count >= lane.limit { return report(.full, after(1_000)) }
            if lane.nextToken > now { return report(.limited, lane.nextToken) }
            return report(.more)
        }
        let others = lane.leases.values.filter { $0.worker != worker }.map(\.until).min() ?? .infinity
        let nextAt = min(visible < lane.rows.count ? lane.rows[visible].dueAt : .infinity, others)
        return report(.empty, nextAt)
    }

    /// Rows whose leases are over can be claimed again, and keep their times.
    private func endLeases(_ lane: inout Lane) {
        for (id, lease) in lane.leases where lease.until <= now {
            lane.leases[id] = nil
            lane.add(1, dueAt: lease.dueAt)
        }
    }

    // MARK: Settles

    /// - Parameter retryIn: when the row is due again; `nil` when it is done.
    /// - Returns: whether the lease still held.
    mutating func settle(_ id: Int, of endpoint: Int32, retryIn: Int?) -> Bool {
        guard lanes[endpoint]?.leases[id] != nil else { return false }
        lanes[endpoint]?.leases[id] = nil
        if let retryIn { publish(to: endpoint, dueIn: retryIn) }
        return true
    }

    /// Looks which lanes could be claimed, and returns how many ticks the longest has been so.
    mutating func longestUnclaimed(where counts: (Int32) -> Bool) -> Int {
        var longest = 0
        for id in lanes.keys {
            guard var lane = lanes[id] else { continue }
            endLeases(&lane)
            let isClaimable =
                (lane.rows.first?.dueAt ?? .infinity) <= now && lane.opensAt <= now && lane.leases.count < lane.limit
                && lane.nextToken <= now && lane.lockedUntil <= tick
            lane.claimableSince = isClaimable ? lane.claimableSince ?? tick : nil
            lanes[id] = lane
            if let since = lane.claimableSince, counts(id) { longest = max(longest, tick - since) }
        }
        return longest
    }

    var rowsLeft: Int {
        lanes.values.reduce(0) { $0 + $1.leases.count + $1.rows.reduce(0) { $0 + $1.count } }
    }
}
