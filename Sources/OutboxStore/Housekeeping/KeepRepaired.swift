public import Postgres

/// Makes the deliveries that the fan-out trigger missed; returns how many.
public struct KeepRepaired: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_repaired()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
