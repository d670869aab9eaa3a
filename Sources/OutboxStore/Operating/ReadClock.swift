package import Postgres

/// What time it is by the database's clock.
package struct ReadClock: PostgresStatement {
    package static let sql = "SELECT clock_timestamp()"

    /// The statement has no parameters.
    package init() {}

    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> PostgresTimestamp {
        try row.column(0)
    }
}
