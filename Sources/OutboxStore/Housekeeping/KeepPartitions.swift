public import Postgres

/// Makes daily partitions a week ahead, once an hour over all workers; returns how many were made.
public struct KeepPartitions: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_partitions()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
