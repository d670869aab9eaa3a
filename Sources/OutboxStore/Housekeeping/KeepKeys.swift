package import Postgres

/// Cancels what removed endpoints are still owed and wakes ordering keys that wait for nobody; returns how many rows.
package struct KeepKeys: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_keys()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
