package import Postgres

/// Forgets workers that were not heard of for a day; returns how many.
package struct KeepWorkers: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_workers()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
