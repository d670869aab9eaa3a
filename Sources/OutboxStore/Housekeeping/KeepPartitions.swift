package import Postgres

/// Makes daily partitions a week ahead, once an hour over all workers; returns how many were made.
package struct KeepPartitions: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.keep_partitions()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
