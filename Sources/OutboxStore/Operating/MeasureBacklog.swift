package import Postgres

/// How many deliveries are due, and for how long the first of them has been; paused endpoints apart.
package struct MeasureBacklog: PostgresStatement {
    /// The figures.
    package struct Row: Sendable, Equatable {
        /// Deliveries that are due and not in flight, each endpoint counted up to ``limit``.
        package var due: Int64
        /// How long the delivery that has been due for longest has been waiting; nil when none is due.
        package var oldest: Duration?

        /// Puts figures together.
        package init(due: Int64, oldest: Duration?) {
            self.due = due
            self.oldest = oldest
        }
    }

    /// Where counting stops for each endpoint: a count over millions of rows is dear.
    package static let limit = 10_000

    // now() can bound an index scan, clock_timestamp() cannot.
    /// The text of the statement.
    package static let sql = """
        SELECT coalesce(sum(due.count), 0)::bigint,
               (extract(epoch FROM clock_timestamp() - min(due.oldest)) * 1000000)::bigint
        FROM postrider.lanes l
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, min(few.due_at) AS oldest FROM (
                SELECT d.due_at FROM postrider.deliveries d
                WHERE d.endpoint_id = l.endpoint_id AND d.due_at <= now() AND d.lease_until <= now()
                ORDER BY d.due_at LIMIT \(limit)) few) due
        WHERE l.open_at <= now()
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(due: try row.column(0), oldest: try row.column(1, as: Int64?.self).map { .microseconds($0) })
    }
}
