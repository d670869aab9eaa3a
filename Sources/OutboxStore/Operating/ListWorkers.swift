package import Postgres

/// The workers that are, or were within a day, the one heard of last first.
package struct ListWorkers: PostgresStatement {
    /// A worker.
    package struct Row: Sendable {
        /// Its id.
        package var id: Int32
        /// Host and process.
        package var name: String
        /// Of the product.
        package var version: String
        /// When it started.
        package var startedAt: PostgresTimestamp
        /// How long ago it was heard of.
        package var silence: Duration
        /// Deliveries under way when it was heard of.
        package var inFlight: Int32
        /// Whether it is ending.
        package var isDraining: Bool
        /// Whether it was heard of within 30 seconds.
        package var isAlive: Bool
    }

    /// The most workers that are listed.
    package static let limit = 1000

    /// The text of the statement.
    package static let sql = """
        SELECT w.id, w.name, w.version, w.started_at,
               (extract(epoch FROM clock_timestamp() - w.seen_at) * 1000000)::bigint, w.in_flight, w.draining,
               w.seen_at > clock_timestamp() - interval '30 s'
        FROM postrider.workers w ORDER BY w.seen_at DESC LIMIT \(limit)
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            id: try row.column(0), name: try row.column(1), version: try row.column(2), startedAt: try row.column(3),
            silence: .microseconds(try row.column(4, as: Int64.self)), inFlight: try row.column(5),
            isDraining: try row.column(6), isAlive: try row.column(7))
    }
}
