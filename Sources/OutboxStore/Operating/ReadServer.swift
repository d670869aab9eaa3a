package import Postgres

/// What kind of server this is and how much room it has. Asks nothing of the schema.
package struct ReadServer: PostgresStatement {
    /// The server.
    package struct Row: Sendable, Equatable {
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
    }

    /// The text of the statement.
    package static let sql = """
        SELECT current_setting('server_version_num')::int, current_setting('server_version'),
               pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
               (SELECT count(*)::int FROM pg_stat_activity a WHERE a.backend_type = 'client backend'),
               current_setting('fsync')::boolean, to_regnamespace('postrider') IS NOT NULL,
               coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace n WHERE n.nspname = 'postrider'),
                        false),
               current_user::text, current_setting('default_transaction_isolation'),
               inet_client_addr() IS NOT NULL AND NOT inet_client_addr() <<= ANY (ARRAY['127.0.0.0/8', '::1/128']::inet[])
                   AND NOT coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false)
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            versionNumber: try row.column(0), version: try row.column(1), isReadOnly: try row.column(2),
            connections: try row.column(3), connectionsUsed: try row.column(4), hasFsync: try row.column(5),
            hasSchema: try row.column(6), mayUseSchema: try row.column(7), role: try row.column(8),
            isolation: try row.column(9), isReadableOnTheWay: try row.column(10))
    }
}
