package import Postgres

/// Makes the deliveries that the fan-out trigger missed; returns how many.
package struct KeepRepaired: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_repaired()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
