public import Postgres

/// How long the delivery that has been due for longest has been waiting; paused endpoints apart.
public struct MeasureBacklog: PostgresStatement {
    // now() can bound an index scan, clock_timestamp() cannot.
    /// The text of the statement.
    public static let sql = """
        SELECT (extract(epoch FROM clock_timestamp() - min(oldest.due_at)) * 1000000)::bigint
        FROM postrider.lanes l
        CROSS JOIN LATERAL (
            SELECT d.due_at FROM postrider.deliveries d
            WHERE d.endpoint_id = l.endpoint_id AND d.due_at <= now() AND d.lease_until <= now()
            ORDER BY d.due_at LIMIT 1) oldest
        WHERE l.open_at <= now()
        """

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Duration? {
        try row.column(0, as: Int64?.self).map { .microseconds($0) }
    }
}
