import Postgres

/// Whether there is a schema, and whether migrations made it.
struct FindSchema: PostgresStatement {
    enum Row: Sendable {
        case missing, migrated, foreign
    }

    static let sql = """
        SELECT to_regnamespace('postrider') IS NOT NULL, to_regclass('postrider.schema_migrations') IS NOT NULL
        """

    static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        guard try row.column(0, as: Bool.self) else { return .missing }
        return try row.column(1, as: Bool.self) ? .migrated : .foreign
    }
}
