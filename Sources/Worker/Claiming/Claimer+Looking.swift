import CoreMetrics
import Logging
import OutboxStore
import Postgres
import Telemetry

/// What there is to do, as looks, walks, couriers and settles tell it.
extension Claimer {
    /// The connection is another one: what was told to the old one may never have arrived.
    func beginAgain(_ known: inout Knowledge) {
        known.seen = nil
        known.endpoints = EndpointCache()
        known.schedule.forgetAll()
        known.walk.beginAgain(now)
    }

    func takeNews(_ known: inout Knowledge) {
        guard let time = known.time?.at(now) else { return }
        let news = parts.permits.takeNews()
        for answered in news.answered {
            known.schedule.answered(answered.endpoint, answered.answer, took: answered.took, now: time)
            if let rest = answered.rest { known.schedule.holdBack(answered.endpoint, for: rest, now: time) }
        }
        // Before they are settled, while it is known since when the earliest of them is due.
        for abandoned in news.abandoned {
            known.schedule.leaseWillEnd(abandoned.endpoint, at: abandoned.leaseUntil)
        }
        if !news.settled.isEmpty { known.schedule.settled(news.settled, now: time) }
    }

    /// - Returns: whether it may have missed something, so that the walk begins again.
    @discardableResult
    func look(_ known: inout Knowledge, waiting wait: Duration = .zero) async throws(PostgresError) -> Bool {
        let began = now
        let since = known.seen
        let rows = try await parts.perform(.look) { () async throws(PostgresError) in
            try await store.look(since: since, waiting: wait)
        }
        let arrived = now
        known.lookedAt = arrived
        var found: [FoundLane] = []
        var seen: LookAtLanes.Seen?
        for row in rows {
            switch row {
            case .seen(let what): seen = what
            case .found(let lane): found.append(lane)
            }
        }
        guard let seen else { return false }
        let time = DatabaseTime(seen.clock, readAt: arrived)
        known.time = time
        if seen.isOtherServer { beginAgain(&known) }
        known.seen = seen.snapshot
        known.pace.looked(found: !found.isEmpty, began: began, wait: wait, now: arrived)
        known.schedule.noticed(found, now: time.at(arrived))
        // What held it back may be put right, or the endpoint removed. If not, the next claim says so.
        for lane in found where lane.hasChanged { known.heldBack.free(lane.endpoint) }
        // The look stopped before the end of what was written.
        let isCut = found.reduce(0) { $0 + max($1.count, 1) } >= Int(LookAtLanes.longest)
        if isCut { known.walk.beginAgain(arrived) }
        return isCut || seen.isOtherServer
    }

    /// A stride of the walk. Then a look, and what it finds is told first: the walk has seen nothing that it did not see.
    func walk(_ known: inout Knowledge, _ worker: Int32) async throws(PostgresError) {
        if known.seen == nil { try await look(&known) }
        let isFirst = known.walk.isFirst
        let began = now
        let last = known.walk.last
        let rows = try await parts.perform(.walk) { () async throws(PostgresError) in
            try await store.walk(after: last, exceptHeldBy: isFirst ? nil : worker)
        }
        let took = now - began
        let isOver = try await look(&known)
        guard !isOver, let time = known.time?.at(now) else { return }
        var lanes: [WalkedLane] = []
        var reached: Int32?
        for row in rows {
            switch row {
            case .found(let lane): lanes.append(lane)
            case .reached(let lane): reached = lane
            }
        }
        known.walk.reached(reached, took: took, now: now)
        let missed = known.schedule.walked(lanes, now: time)
        guard !isFirst, missed > 0 else { return }
        parts.metrics.missedLanes.increment(by: missed)
        parts.log.log(.warning, "found due deliveries that the looks had missed", with: [.count: "\(missed)"])
    }
}
