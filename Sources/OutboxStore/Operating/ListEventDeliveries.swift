package import Postgres

/// What became of one event, a row for each endpoint.
package struct ListEventDeliveries: PostgresStatement {
    /// The most rows.
    package static let limit = 1000

    package static let sql = """
        SELECT \(EventDelivery.columns)
        FROM postrider.event_deliveries d WHERE d.event_id = $1
        ORDER BY d.endpoint LIMIT \(limit)
        """

    private let event: Int64

    /// - Parameter event: its id.
    package init(event: Int64) {
        self.event = event
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event)
    }

    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EventDelivery {
        try EventDelivery(row)
    }
}
