public import Postgres

/// Marks committed subscriptions as in effect; returns how many.
public struct KeepSubscriptions: PostgresStatement {
    public static let sql = "SELECT postrider.keep_subscriptions()"

    /// The statement has no parameters.
    public init() {}

    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
