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
        /// It has never answered, so its endpoint has to be loaded and connected to.
        let isNew: Bool
        /// It is answered quickly and often, so its first delivery passes others in the couriers.
        let isLively: Bool
    }

    /// In the order in which they were dealt permits.
    let lanes: [Lane]
    /// The most rows in all: the sum of the rooms.
    let budget: Int
    /// The most payload bytes in all. One row is taken even if it is larger.
    let byteBudget: Int
    /// When it was made.
    let madeAt: PostgresTimestamp

    /// The endpoints whose first delivery passes others.
    var passing: Set<Int32> { Set(lanes.lazy.filter(\.isLively).map(\.endpoint)) }

    /// What a delivery costs the database and this worker until it is with a courier: the unit of work.
    static let workOfRow = 1

    /// How much work it was when it brought so many deliveries.
    func work(rows: Int) -> Int {
        lanes.reduce(rows * Self.workOfRow) { $0 + Lane.work(isNew: $1.isNew) }
    }
}

extension ClaimPlan.Lane {
    /// What a lane costs beside its deliveries. The cost of one that is new is that of loading its endpoint; measured, it is
    /// about as much as two deliveries again.
    static func work(isNew: Bool) -> Int { isNew ? 4 : 2 }
}
