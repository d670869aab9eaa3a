import Postgres

/// The migrations that were applied, in order.
struct ReadMigrations: PostgresStatement {
    static let sql = "SELECT m.version, m.name, m.checksum FROM postrider.schema_migrations m ORDER BY m.version"

    static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> MigrationPlan.Applied {
        MigrationPlan.Applied(version: try row.column(0), name: try row.column(1), checksum: try row.column(2))
    }
}
