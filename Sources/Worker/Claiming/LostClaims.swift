import OutboxStore
import Postgres

/// Claims whose answers never came: they may have leased rows of which this worker does not know. It asks for them, and gives
/// them back, instead of letting them wait for the ends of their leases. Decides only.
struct LostClaims: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// When it asks after the loss, each counted from the one before: more than once, since a server may still be at work on
    /// the claim of a connection that is gone.
    static let pauses: [Duration] = [.zero, .seconds(1), .seconds(4)]
    /// The most lanes that are asked for. What is lost beyond that waits for the end of its lease.
    static let limit = 1024

    /// Which lanes to ask for, and from which `due_at` on.
    private(set) var lanes: [Int32: PostgresTimestamp] = [:]
    private var asked = 0
    /// When to ask next; nil when nothing is lost.
    private(set) var next: Instant?

    mutating func lost(_ plan: ClaimPlan, now: Instant) {
        for lane in plan.lanes where lanes.count < Self.limit || lanes[lane.endpoint] != nil {
            lanes[lane.endpoint] = min(lanes[lane.endpoint] ?? .infinity, lane.from)
        }
        asked = 0
        next = now + Self.pauses[0]
    }

    mutating func asked(_ now: Instant) {
        asked += 1
        if asked < Self.pauses.count {
            next = now + Self.pauses[asked]
        } else {
            lanes = [:]
            next = nil
        }
    }
}
