package import Postgres

/// Reads what a worker has leased of some lanes, for one that has not heard what its claim brought. See `postrider.leases` in
/// the migrations.
package struct ReadLeases: PostgresStatement {
    package let sql = """
        SELECT l.endpoint_id, l.due_at, l.id, l.attempt, l.attempt_base, l.event_id, l.event_at, l.bytes, l.lease_until
        FROM postrider.leases($1, $2, $3) l
        """

    private let worker: Int32
    private let lanes: [Int32]
    private let froms: [PostgresTimestamp]

    /// - Parameters:
    ///   - worker: the worker's id in `postrider.workers`.
    ///   - lanes: each with the `due_at` from which on it is read.
    package init(of worker: Int32, in lanes: [Int32: PostgresTimestamp]) {
        self.worker = worker
        self.lanes = Array(lanes.keys)
        froms = Array(lanes.values)
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(lanes)
        parameters.append(froms)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> ClaimedDelivery {
        ClaimedDelivery(
            worker: worker, endpoint: try row.column(0), revision: 0, dueAt: try row.column(1), id: try row.column(2),
            attempt: try row.column(3), attemptBase: try row.column(4), event: try row.column(5),
            eventAt: try row.column(6), bytes: try row.column(7), leaseUntil: try row.column(8))
    }
}
