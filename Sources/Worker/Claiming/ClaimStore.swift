import OutboxStore
import Postgres

/// What the claimer asks of the database.
protocol ClaimStore: LoopStore {
    /// Does once what makes the first claim slow.
    func prepareToClaim(as worker: Int32) async throws(PostgresError)
    /// - Parameters:
    ///   - seen: what the look before this one has seen; nil for the first.
    ///   - wait: how long the database may wait for something to find.
    func look(since seen: String?, waiting wait: Duration) async throws(PostgresError) -> [LookAtLanes.Row]
    func walk(after last: Int32?, exceptHeldBy worker: Int32?) async throws(PostgresError) -> [WalkLanes.Row]
    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimDeliveries.Row]
    /// What the worker has leased of these lanes, each from a `due_at` on.
    func leases(
        of worker: Int32, in lanes: [Int32: PostgresTimestamp]
    ) async throws(PostgresError) -> [ClaimedDelivery]
    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord]
    func fetchEvents(_ keys: [EventKey]) async throws(PostgresError) -> [StoredEvent]
}

/// What the claimer asks of the couriers. They get deliveries and nothing else, so each result is that of a delivery.
protocol Couriers: Sendable {
    /// Takes requests over; each gets exactly one result.
    func submit(_ batch: [OutgoingDelivery])
    /// How many requests wait to begin.
    var queued: Int { get }
    /// Ends what was submitted, with results.
    func cancelAll()
}
