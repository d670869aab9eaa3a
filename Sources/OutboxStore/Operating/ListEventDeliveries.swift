package import Postgres

/// What became of one event, a row for each endpoint.
package struct ListEventDeliveries: PostgresStatement {
    /// The most rows.
    package static let limit = 1000

    /// The text of the statement.
    package static let sql = """
        WITH chosen AS MATERIALIZED (
            SELECT o.id, o.created_at, o.event_type, o.tenant FROM postrider.outbox o
            WHERE o.created_at = $2 AND o.id = $1),
        \(EventDelivery.found)
        SELECT \(EventDelivery.columns)
        FROM found f
        \(EventDelivery.last)
        ORDER BY f.endpoint LIMIT \(limit)
        """

    private let event: Int64
    private let createdAt: PostgresTimestamp

    /// - Parameters:
    ///   - event: its id.
    ///   - createdAt: when it happened, to the microsecond.
    package init(event: Int64, createdAt: PostgresTimestamp) {
        self.event = event
        self.createdAt = createdAt
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event)
        parameters.append(createdAt)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EventDelivery {
        try EventDelivery(row)
    }
}
