package import Postgres

/// The server process behind a connection. Two connections that have the same one at the same time go through a pooler.
package struct ReadBackend: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT pg_backend_pid()"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 {
        try row.column(0)
    }
}
