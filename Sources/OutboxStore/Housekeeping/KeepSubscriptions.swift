public import Postgres

/// Marks committed subscriptions as in effect; returns how many.
public struct KeepSubscriptions: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.keep_subscriptions()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
