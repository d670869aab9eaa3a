public import Postgres

/// Stops counting rows whose lease ran out, in lanes with an in-flight limit; returns how many.
public struct KeepLeases: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_leases()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
