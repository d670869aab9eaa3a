package import Postgres

/// The daily partitions of a table that grows with time.
package struct CheckPartitions: PostgresStatement {
    /// A table.
    package struct Row: Sendable, Equatable {
        /// `outbox` or `attempts`.
        package var table: String
        /// Which days have a partition, counted from today in UTC, in order.
        package var days: [Int32]
        /// Rows before the first or after the last of them, which are in the DEFAULT partition; counted up to a limit.
        package var strays: Int64
    }

    /// Where counting stops.
    package static let limit = 1001

    /// The text of the statement.
    package static let sql = """
        WITH day AS MATERIALIZED (
            SELECT p.relname::text AS parent, to_date(right(c.relname, 8), 'YYYYMMDD') AS date
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid
            JOIN pg_class p ON p.oid = i.inhparent
            WHERE p.oid IN ('postrider.outbox'::regclass, 'postrider.attempts'::regclass)
                AND c.relname ~ '_p[0-9]{8}$'),
        span AS MATERIALIZED (
            SELECT t.parent, array_agg(d.date - (now() AT TIME ZONE 'UTC')::date ORDER BY d.date)
                       FILTER (WHERE d.date IS NOT NULL) AS days,
                   coalesce(min(d.date)::timestamp AT TIME ZONE 'UTC', 'infinity') AS first,
                   coalesce((max(d.date) + 1)::timestamp AT TIME ZONE 'UTC', '-infinity') AS last
            FROM (VALUES ('outbox'), ('attempts')) AS t (parent) LEFT JOIN day d ON d.parent = t.parent
            GROUP BY t.parent)
        SELECT s.parent, coalesce(s.days, '{}'),
               CASE s.parent
                   WHEN 'outbox' THEN (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.outbox o
                       WHERE o.created_at < (SELECT x.first FROM span x WHERE x.parent = 'outbox')
                           OR o.created_at >= (SELECT x.last FROM span x WHERE x.parent = 'outbox')
                       LIMIT \(limit)) stray)
                   ELSE (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.attempts a
                       WHERE a.started_at < (SELECT x.first FROM span x WHERE x.parent = 'attempts')
                           OR a.started_at >= (SELECT x.last FROM span x WHERE x.parent = 'attempts')
                       LIMIT \(limit)) stray) END
        FROM span s ORDER BY s.parent DESC
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(table: try row.column(0), days: try row.column(1), strays: try row.column(2))
    }
}
