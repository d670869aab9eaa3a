package import Postgres

/// Stops counting rows whose lease ran out, in lanes with an in-flight limit; returns how many.
package struct KeepLeases: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_leases()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
