package import Postgres

/// What readiness depends on: one look at the server.
package struct ReadDatabaseState: PostgresStatement {
    /// The state of the database.
    package struct Row: Sendable {
        /// A standby, or a primary that was made read-only.
        package var isReadOnly: Bool
        /// The newest migration that was applied; nil when there is no schema.
        package var schemaVersion: Int32?
        /// The database's clock, in microseconds since 1970.
        package var clock: Int64
    }

    /// The text of the statement.
    package static let sql = """
        SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
               (SELECT max(m.version) FROM postrider.schema_migrations m),
               (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(isReadOnly: try row.column(0), schemaVersion: try row.column(1), clock: try row.column(2))
    }
}
