package import Postgres

/// Whether the hot table is kept clean, and who holds cleaning back.
package struct CheckVacuum: PostgresStatement {
    /// The state of cleaning.
    package struct Row: Sendable, Equatable {
        /// Rows that are no more and still take up room, as the server estimates.
        package var deadRows: Int64
        /// Rows that are there, as the server estimates.
        package var liveRows: Int64
        /// How long ago the table was last vacuumed; nil when it never was.
        package var vacuumedAgo: Duration?
        /// Whether autovacuum is on.
        package var hasAutovacuum: Bool
        /// How long the oldest transaction has been open, if this role may see it.
        package var oldestTransaction: Duration?
        /// Its process.
        package var oldestTransactionPID: Int32?
        /// How long the oldest prepared transaction has been waiting for its end.
        package var oldestPrepared: Duration?
        /// What its end must name.
        package var oldestPreparedName: String?
        /// Replication slots that hold vacuum back and that nobody reads.
        package var idleSlots: [String]
    }

    /// The text of the statement.
    package static let sql = """
        SELECT coalesce(t.n_dead_tup, 0), coalesce(t.n_live_tup, 0),
               (extract(epoch FROM clock_timestamp() - greatest(t.last_vacuum, t.last_autovacuum)) * 1000000)::bigint,
               current_setting('autovacuum')::boolean,
               (extract(epoch FROM clock_timestamp() - oldest.xact_start) * 1000000)::bigint, oldest.pid,
               (extract(epoch FROM clock_timestamp() - prepared.prepared) * 1000000)::bigint, prepared.gid,
               ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s
                     WHERE NOT s.active AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL) ORDER BY 1)
        FROM (SELECT 'postrider.deliveries'::regclass AS oid) hot
        LEFT JOIN pg_stat_all_tables t ON t.relid = hot.oid
        LEFT JOIN LATERAL (
            SELECT a.xact_start, a.pid FROM pg_stat_activity a
            WHERE a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()
                AND a.backend_type IN ('client backend', 'walsender')
            ORDER BY a.xact_start LIMIT 1) oldest ON true
        LEFT JOIN LATERAL (SELECT x.prepared, x.gid FROM pg_prepared_xacts x ORDER BY x.prepared LIMIT 1) prepared ON true
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        let vacuumed: Int64? = try row.column(2)
        let transaction: Int64? = try row.column(4)
        let prepared: Int64? = try row.column(6)
        return Row(
            deadRows: try row.column(0), liveRows: try row.column(1), vacuumedAgo: vacuumed.map { .microseconds($0) },
            hasAutovacuum: try row.column(3), oldestTransaction: transaction.map { .microseconds($0) },
            oldestTransactionPID: try row.column(5), oldestPrepared: prepared.map { .microseconds($0) },
            oldestPreparedName: try row.column(7), idleSlots: try row.column(8))
    }
}
