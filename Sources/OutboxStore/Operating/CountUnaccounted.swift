package import Postgres

/// How many deliveries are missing of the last hour's events: 0, or something is broken. Counted up to a limit.
package struct CountUnaccounted: PostgresStatement {
    /// Where counting stops.
    package static let limit = 1001

    /// The text of the statement.
    package static let sql = """
        SELECT count(*) FROM (
            SELECT 1 FROM postrider.unaccounted u WHERE u.created_at > now() - interval '1 hour' LIMIT \(limit)) missing
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 { try row.column(0) }
}
