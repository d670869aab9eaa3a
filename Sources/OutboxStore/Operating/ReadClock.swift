package import Postgres

/// What time it is by the database's clock.
package struct ReadClock: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT clock_timestamp()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> PostgresTimestamp {
        try row.column(0)
    }
}
