import OutboxStore
import Postgres

/// Deliveries of one lane that a claim brought or a settle gave back.
struct LaneCount: Equatable, Sendable {
    let endpoint: Int32
    let count: Int
    let bytes: Int
}

/// One claim: which lanes it names, and how much it may take.
struct ClaimPlan: Equatable, Sendable {
    struct Lane: Equatable, Sendable {
        let endpoint: Int32
        /// Where the claim begins to read the lane: the rows before are dead, and reading them costs.
        let from: PostgresTimestamp
        /// The most rows to take of it.
        let room: Int
    }

    /// In the order in which they were dealt permits.
    let lanes: [Lane]
    /// The most rows in all: the sum of the rooms.
    let budget: Int
    /// The most payload bytes in all. One row is taken even if it is larger.
    let byteBudget: Int
    /// When it was made.
    let madeAt: PostgresTimestamp
}
