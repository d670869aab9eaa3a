package import Postgres

/// Marks committed subscriptions as in effect; returns how many.
package struct KeepSubscriptions: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_subscriptions()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
