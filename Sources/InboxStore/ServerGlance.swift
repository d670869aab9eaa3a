package import Postgres

/// What the readiness of a process that receives depends on. `postrider_receiver` may ask.
package struct ServerGlance: Sendable {
    /// A standby, or a primary that was made read-only.
    package var isReadOnly: Bool
    /// The database's clock, in microseconds since 1970.
    package var clock: Int64
    /// The newest migration that was applied.
    package var schemaVersion: Int32?

    package init(isReadOnly: Bool, clock: Int64, schemaVersion: Int32?) {
        self.isReadOnly = isReadOnly
        self.clock = clock
        self.schemaVersion = schemaVersion
    }

    package static let query = PostgresQuery<ServerGlance>(
        """
        SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
               (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
               (SELECT max(m.version) FROM postrider.schema_migrations m)
        """)
}

extension ServerGlance: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        isReadOnly = try row.column(0)
        clock = try row.column(1)
        schemaVersion = try row.column(2)
    }
}
