package import Postgres

/// Events with what became of them, one row for each endpoint, the newest first.
package struct ListEvents: PostgresStatement {
    /// Which events; nil means any.
    package struct Selection: Sendable {
        /// Exactly this type.
        package var eventType: String?
        /// Types that begin with this, such as `order.`.
        package var typePrefix: String?
        /// Deliveries of this status.
        package var status: String?
        /// Deliveries to this endpoint.
        package var endpoint: String?

        /// All of them.
        package init() {}
    }

    /// How many of the newest events are looked at.
    package static let searchLimit = 20_000

    /// The text of the statement.
    package static let sql = """
        WITH chosen AS MATERIALIZED (
            SELECT o.id, o.created_at, o.event_type, o.tenant FROM postrider.outbox o
            WHERE ($1 IS NULL OR o.event_type = $1) AND ($2 IS NULL OR starts_with(o.event_type, $2))
            ORDER BY o.created_at DESC, o.id DESC
            LIMIT CASE WHEN $3 IS NULL AND $4 IS NULL THEN $5 ELSE \(searchLimit) END),
        \(EventDelivery.found),
        shown AS MATERIALIZED (
            SELECT f.* FROM found f WHERE ($3 IS NULL OR f.status = $3) AND ($4 IS NULL OR f.endpoint = $4)
            ORDER BY f.created_at DESC, f.event_id DESC, f.endpoint LIMIT $5)
        SELECT \(EventDelivery.columns)
        FROM shown f
        \(EventDelivery.last)
        ORDER BY f.created_at DESC, f.event_id DESC, f.endpoint
        """

    private let selection: Selection
    private let limit: Int32

    /// - Parameter limit: the most rows.
    package init(_ selection: Selection, limit: Int32) {
        self.selection = selection
        self.limit = limit
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(selection.eventType)
        parameters.append(selection.typePrefix)
        parameters.append(selection.status)
        parameters.append(selection.endpoint)
        parameters.append(limit)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EventDelivery {
        try EventDelivery(row)
    }
}
