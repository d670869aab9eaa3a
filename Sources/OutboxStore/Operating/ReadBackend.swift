public import Postgres

/// The server process behind a connection. Two connections that have the same one at the same time go through a pooler.
public struct ReadBackend: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT pg_backend_pid()"

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 {
        try row.column(0)
    }
}
