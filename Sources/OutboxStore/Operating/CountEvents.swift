package import Postgres

/// How many events are stored, and how many came within the last hour, each counted up to a limit.
package struct CountEvents: PostgresStatement {
    /// The counts.
    package struct Row: Sendable {
        /// Events that are stored, at most ``CountEvents/limit``.
        package var events: Int64
        /// Events of the last hour, at most ``CountEvents/limit``.
        package var lastHour: Int64
    }

    /// Where counting stops.
    package static let limit = 100_000

    /// The text of the statement.
    package static let sql = """
        SELECT (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o LIMIT \(limit)) stored),
               (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o WHERE o.created_at > now() - interval '1 hour'
                                      LIMIT \(limit)) recent)
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(events: try row.column(0), lastHour: try row.column(1))
    }
}
