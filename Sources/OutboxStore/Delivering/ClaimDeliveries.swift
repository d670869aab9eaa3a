package import Postgres

/// Takes due deliveries and leases them to a worker. See `postrider.claim` in the migrations for locks and order.
package struct ClaimDeliveries: PostgresStatement {
    package let sql = """
        SELECT c.endpoint_id, c.revision, c.due_at, c.id, c.attempt, c.attempt_base, c.event_id, c.event_at, c.bytes
        FROM postrider.claim($1, $2, $3, $4, $5, $6, $7) c
        """

    /// The worker's id in `postrider.workers`.
    package var worker: Int32
    /// The lanes to look at, in this turn's order.
    package var lanes: [Int32]
    /// The most rows to take from each of `lanes`.
    package var rooms: [Int32]
    /// The most rows in all.
    package var budget: Int32
    /// The most payload bytes in all; one row is taken even if it is larger.
    package var byteBudget: Int64
    /// A lease lasts the endpoint's timeout plus this.
    package var leaseSlack: Duration
    /// Look before the lanes' hints too.
    package var unhinted: Bool

    package init(
        worker: Int32, lanes: [Int32], rooms: [Int32], budget: Int32, byteBudget: Int64, leaseSlack: Duration,
        unhinted: Bool
    ) {
        self.worker = worker
        self.lanes = lanes
        self.rooms = rooms
        self.budget = budget
        self.byteBudget = byteBudget
        self.leaseSlack = leaseSlack
        self.unhinted = unhinted
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(lanes)
        parameters.append(rooms)
        parameters.append(budget)
        parameters.append(byteBudget)
        parameters.append(leaseSlack)
        parameters.append(unhinted)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> ClaimedDelivery {
        ClaimedDelivery(
            endpoint: try row.column(0), revision: try row.column(1), dueAt: try row.column(2), id: try row.column(3),
            attempt: try row.column(4), attemptBase: try row.column(5), event: try row.column(6),
            eventAt: try row.column(7), bytes: try row.column(8))
    }
}

/// A delivery that this worker holds a lease on. `id`, `attempt` and the worker are its fencing token.
package struct ClaimedDelivery: Hashable, Sendable {
    /// The endpoint it is owed to.
    package var endpoint: Int32
    /// The endpoint's revision at the time of the claim: settings older than this must not be used.
    package var revision: Int32
    /// Part of the row's key.
    package var dueAt: PostgresTimestamp
    /// The delivery's id.
    package var id: Int64
    /// Which attempt of this delivery this is, counted from 1.
    package var attempt: Int16
    /// Attempts before the last replay: the retry schedule starts after them. -1 once the event was cancelled.
    package var attemptBase: Int16
    /// The event.
    package var event: Int64
    /// When the event's transaction began; with `event`, its key.
    package var eventAt: PostgresTimestamp
    /// Size of the event's payload or body.
    package var bytes: Int32

    /// The attempt's place in the retry schedule, counted from 1.
    package var attemptInSchedule: Int { Int(attempt) - Int(max(attemptBase, 0)) }
}
