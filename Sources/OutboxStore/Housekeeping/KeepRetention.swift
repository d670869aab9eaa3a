package import Postgres

/// Drops the oldest partition that is past its retention, if there is one; returns its name.
package struct KeepRetention: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_retention()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> String? { try row.column(0) }
}
