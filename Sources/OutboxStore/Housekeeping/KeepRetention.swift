public import Postgres

/// Drops the oldest partition that is past its retention, if there is one; returns its name.
public struct KeepRetention: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_retention()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> String? { try row.column(0) }
}
