package import Postgres

/// The age of the oldest delivery that is due and not in flight, and how many dead letters there are: what to alert on.
package struct MeasureLag: PostgresStatement {
    /// The figures.
    package struct Row: Sendable {
        /// Microseconds that the oldest due delivery has been waiting; 0 when there is none.
        package var lag: Int64
        /// Dead letters, counted up to 10,000: an alert needs no more, and a count over millions of rows is dear.
        package var deadLetters: Int64
    }

    /// The text of the statement.
    package static let sql = """
        SELECT coalesce(max((extract(epoch FROM now() - oldest.due_at) * 1000000)::bigint), 0),
               (SELECT count(*) FROM (SELECT 1 FROM postrider.dead x LIMIT 10000) few)
        FROM postrider.lanes l
        CROSS JOIN LATERAL (
            SELECT d.due_at FROM postrider.deliveries d
            WHERE d.endpoint_id = l.endpoint_id AND d.due_at >= l.scan_from AND d.due_at <= now()
                AND d.lease_until <= now()
            ORDER BY d.due_at LIMIT 1) oldest
        WHERE l.open_at <= now()
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(lag: try row.column(0), deadLetters: try row.column(1))
    }
}
