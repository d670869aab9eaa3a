import Logging
import Outbox
import OutboxStore
import Postgres
import Telemetry

extension Claimer {
    /// Gives back what claims have leased whose answers never came. Nothing of it was sent.
    func giveBackLost(_ known: inout Knowledge, _ worker: Int32) async throws(PostgresError) {
        // Before it asks: what is settled in the meantime is not lost.
        let held = parts.permits.held
        let leased = try await store.leases(of: worker, in: known.lostClaims.lanes)
        known.lostClaims.asked(now)
        let lost = leased.filter { !held.contains(HeldAttempt($0)) }
        guard !lost.isEmpty, let time = known.time?.at(now) else { return }
        var counts: [LaneCount] = []
        for delivery in lost { counts.count(delivery) }
        known.schedule.found(held: counts, now: time)
        parts.permits.take(lost)
        parts.settleQueue.add(lost.map { Settlement($0, .released) })
        parts.log.log(
            .notice, "gave back deliveries of a claim whose answer was lost", with: [.count: "\(lost.count)"])
    }
}
