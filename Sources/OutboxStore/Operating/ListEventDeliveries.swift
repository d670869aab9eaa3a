public import Postgres

/// What became of one event, a row for each endpoint.
public struct ListEventDeliveries: PostgresStatement {
    /// The most rows.
    public static let limit = 1000

    /// The text of the statement.
    public static let sql = """
        SELECT \(EventDelivery.columns)
        FROM postrider.event_deliveries d WHERE d.event_id = $1
        ORDER BY d.endpoint LIMIT \(limit)
        """

    private let event: Int64

    /// - Parameter event: its id.
    public init(event: Int64) {
        self.event = event
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event)
    }

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EventDelivery {
        try EventDelivery(row)
    }
}
