package import Postgres

/// Which database a connection leads to, and on which history.
package struct ServerIdentity: Hashable, Sendable {
    /// The cluster, as `initdb` numbered it; a standby has the number of its primary.
    package let cluster: Int64
    /// The database within it: one that is dropped and made again gets another number.
    package let database: Int64
    /// The history that the server writes; each promotion begins a higher one. Nil on a standby, which writes none.
    package let timeline: Int64?

    package init(cluster: Int64, database: Int64, timeline: Int64?) {
        self.cluster = cluster
        self.database = database
        self.timeline = timeline
    }
}

/// What a worker learns from each new connection.
package struct Greeting: Sendable, PostgresRecord {
    package let server: ServerIdentity
    /// Whether transactions are read committed unless they say otherwise, as the schema's functions need it.
    package let isReadCommitted: Bool

    /// Asks nothing of the schema. A segment of the log is named for its timeline, and the first segment of a new one exists
    /// before any client can write; the control file learns of it later.
    package static let query = PostgresQuery<Greeting>(
        """
        SELECT c.system_identifier, d.oid::bigint,
               CASE WHEN NOT pg_is_in_recovery()
                    THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END,
               current_setting('default_transaction_isolation') = 'read committed'
        FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
        """)

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        server = ServerIdentity(
            cluster: try row.column(0), database: try row.column(1), timeline: try row.column(2))
        isReadCommitted = try row.column(3)
    }
}
