package import Postgres

/// When an event happened, which is where it is kept; nil where nothing is known of it.
///
/// Its history is asked first, by indexes; then live work; then the events themselves, which have no index by id alone.
package struct LocateEvent: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
        SELECT coalesce(
            (SELECT a.event_at FROM postrider.attempts a WHERE a.event_id = $1 LIMIT 1),
            (SELECT x.event_at FROM postrider.dead x WHERE x.event_id = $1 LIMIT 1),
            (SELECT c.event_at FROM postrider.closed c WHERE c.event_id = $1 LIMIT 1),
            (SELECT d.event_at FROM postrider.deliveries d WHERE d.event_id = $1 LIMIT 1),
            (SELECT o.created_at FROM postrider.outbox o WHERE o.id = $1 LIMIT 1))
        """

    private let id: Int64

    /// - Parameter id: of the event.
    package init(id: Int64) {
        self.id = id
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> PostgresTimestamp? {
        try row.column(0)
    }
}
