package import Postgres

/// What `doctor` asks about the server.
package enum ServerChecks {
    /// What kind of server this is and how much room it has. Asks nothing of the schema.
    package static let server = PostgresQuery<ServerCheck>(
        """
        SELECT current_setting('server_version_num')::int, current_setting('server_version'),
               pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
               (SELECT count(*)::int FROM pg_stat_activity a WHERE a.backend_type = 'client backend'),
               current_setting('fsync')::boolean, to_regnamespace('postrider') IS NOT NULL,
               coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace n WHERE n.nspname = 'postrider'),
                        false),
               current_user::text, current_setting('default_transaction_isolation'),
               inet_client_addr() IS NOT NULL AND NOT inet_client_addr() <<= ANY (ARRAY['127.0.0.0/8', '::1/128']::inet[])
                   AND NOT coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false),
               getdatabaseencoding()::text
        """)

    /// The server process behind a connection. Two connections that have the same one at the same time go through a pooler.
    package static let backend = PostgresQuery<Int32>("SELECT pg_backend_pid()")

    /// The schemas in which this login finds what is named without one. Qualified, or it would tell the path that we set.
    package static let searchPath = PostgresQuery<[String]>(
        "SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]"
    )
    .qualified

    /// Those of `schemas` in which roles other than their owner may create.
    package static func open(_ schemas: [String]) -> PostgresQuery<OpenSchema> {
        PostgresQuery(
            """
            SELECT n.nspname::text, array_agg(g.name ORDER BY g.name)
            FROM pg_namespace n
            CROSS JOIN LATERAL (
                SELECT DISTINCT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END AS name
                FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner) g
            WHERE n.nspname::text = ANY ($1)
            GROUP BY n.nspname ORDER BY n.nspname
            """, schemas)
    }

    /// Whether the hot table is kept clean, and who holds cleaning back.
    package static let vacuum = PostgresQuery<VacuumCheck>(
        """
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
        """)
}

/// A server.
package struct ServerCheck: Sendable, Equatable {
    /// The version as a number, such as 150014.
    package var versionNumber: Int32
    /// The version in words.
    package var version: String
    /// A standby, or a primary that was made read-only.
    package var isReadOnly: Bool
    /// How many connections ordinary roles may have.
    package var connections: Int32
    /// How many there are.
    package var connectionsUsed: Int32
    /// Whether commits reach the disk.
    package var hasFsync: Bool
    /// Whether there is a schema `postrider`.
    package var hasSchema: Bool
    /// Whether this role may use it.
    package var mayUseSchema: Bool
    /// Who this is.
    package var role: String
    /// The isolation that transactions have unless they ask for another, such as `read committed`.
    package var isolation: String
    /// Whether what travels between here and the server, or the pooler before it, can be read on the way.
    package var isReadableOnTheWay: Bool
    /// How texts are stored.
    package var encoding = Migrator.encoding
}

extension ServerCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            versionNumber: try row.column(0), version: try row.column(1), isReadOnly: try row.column(2),
            connections: try row.column(3), connectionsUsed: try row.column(4), hasFsync: try row.column(5),
            hasSchema: try row.column(6), mayUseSchema: try row.column(7), role: try row.column(8),
            isolation: try row.column(9), isReadableOnTheWay: try row.column(10),
            encoding: try row.column(11))
    }
}

/// A schema in which others than its owner may create.
package struct OpenSchema: Sendable, Equatable {
    package var name: String
    /// The roles that may; nil is PUBLIC, which is all of them.
    package var creators: [String?]
}

extension OpenSchema: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(name: try row.column(0), creators: try row.column(1))
    }
}

/// The state of cleaning.
package struct VacuumCheck: Sendable, Equatable {
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
    /// Replication slots that hold vacuum back and that no client reads.
    package var idleSlots: [String]
}

extension VacuumCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            deadRows: try row.column(0), liveRows: try row.column(1), vacuumedAgo: try row.microseconds(2),
            hasAutovacuum: try row.column(3), oldestTransaction: try row.microseconds(4),
            oldestTransactionPID: try row.column(5), oldestPrepared: try row.microseconds(6),
            oldestPreparedName: try row.column(7), idleSlots: try row.column(8))
    }
}
