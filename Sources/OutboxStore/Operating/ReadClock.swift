public import Postgres

/// What time it is by the database's clock.
public struct ReadClock: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT clock_timestamp()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> PostgresTimestamp {
        try row.column(0)
    }
}
