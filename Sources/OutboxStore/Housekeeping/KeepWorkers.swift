public import Postgres

/// Forgets workers that were not heard of for a day; returns how many.
public struct KeepWorkers: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_workers()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
