import OutboxStore
import Postgres

/// Lanes that this worker cannot work on.
extension Schedule {
    /// Leaves a lane alone for so long, despite what looks and walks tell of it; a change of its settings ends that. Its rows are
    /// for other workers, or for this one later. Called after the claim that brought them, or that could not.
    mutating func holdBack(_ endpoint: Int32, for pause: Duration, now: PostgresTimestamp) {
        advance(now)
        let slot = know(endpoint)
        guard lanes[slot].work != .claiming else { return }
        let end = steady.now + pause.microseconds
        change(slot) { lane in
            lane.work = .resting
            lane.restsUntil = end
            lane.until = .infinity
            lane.from = min(lane.from, lane.heldFrom)
            lane.wanted = max(lane.wanted, 1)
        }
    }
}
