public import Postgres

/// How many events are stored, and how many came within the last hour, each counted up to a limit.
public struct CountEvents: PostgresStatement {
    /// The counts.
    public struct Row: Sendable {
        /// Events that are stored, at most ``CountEvents/limit``.
        public var events: Int64
        /// Events of the last hour, at most ``CountEvents/limit``.
        public var lastHour: Int64
    }

    /// Where counting stops.
    public static let limit = 100_000

    /// The text of the statement.
    public static let sql = """
        SELECT (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o LIMIT \(limit)) stored),
               (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o WHERE o.created_at > now() - interval '1 hour'
                                      LIMIT \(limit)) recent)
        """

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(events: try row.column(0), lastHour: try row.column(1))
    }
}
