package import Postgres

/// Takes due deliveries and leases them to a worker. See `postrider.claim` in the migrations for locks and order.
package struct ClaimDeliveries: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
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

    /// A claim.
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

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(lanes)
        parameters.append(rooms)
        parameters.append(budget)
        parameters.append(byteBudget)
        parameters.append(leaseSlack)
        parameters.append(unhinted)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> ClaimedDelivery {
        ClaimedDelivery(
            endpoint: try row.column(0), revision: try row.column(1), dueAt: try row.column(2), id: try row.column(3),
            attempt: try row.column(4), attemptBase: try row.column(5), event: try row.column(6),
            eventAt: try row.column(7), bytes: try row.column(8))
    }
}
