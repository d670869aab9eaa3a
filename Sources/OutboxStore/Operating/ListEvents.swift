public import Postgres

/// Events with what became of them, one row for each endpoint, the newest first.
public struct ListEvents: PostgresStatement {
    /// Which events; nil means any.
    public struct Selection: Sendable {
        /// Exactly this type.
        public var eventType: String?
        /// Types that begin with this, such as `order.`.
        public var typePrefix: String?
        /// Deliveries of this status.
        public var status: String?
        /// Deliveries to this endpoint.
        public var endpoint: String?

        /// All of them.
        public init() {}
    }

    /// How many of the newest events are looked at.
    public static let searchLimit = 20_000

    // OFFSET 0 keeps the view a query of its own, into which the event's id is handed: it is then looked up in indexes,
    // event by event, instead of being computed as a whole.
    /// The text of the statement.
    public static let sql = """
        SELECT \(EventDelivery.columns)
        FROM (SELECT o.id, o.created_at FROM postrider.outbox o
              WHERE ($1 IS NULL OR o.event_type = $1) AND ($2 IS NULL OR starts_with(o.event_type, $2))
              ORDER BY o.created_at DESC, o.id DESC LIMIT \(searchLimit)) newest
        CROSS JOIN LATERAL (
            SELECT x.* FROM postrider.event_deliveries x
            WHERE x.event_id = newest.id AND ($3 IS NULL OR x.status = $3) AND ($4 IS NULL OR x.endpoint = $4)
            OFFSET 0) d
        ORDER BY newest.created_at DESC, newest.id DESC, d.endpoint LIMIT $5
        """

    private let selection: Selection
    private let limit: Int32

    /// - Parameter limit: the most rows.
    public init(_ selection: Selection, limit: Int32) {
        self.selection = selection
        self.limit = limit
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(selection.eventType)
        parameters.append(selection.typePrefix)
        parameters.append(selection.status)
        parameters.append(selection.endpoint)
        parameters.append(limit)
    }

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EventDelivery {
        try EventDelivery(row)
    }
}
