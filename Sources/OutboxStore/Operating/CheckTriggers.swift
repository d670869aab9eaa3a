public import Postgres

/// The triggers on the outbox that work for producers.
public struct CheckTriggers: PostgresStatement {
    /// A trigger that was found.
    public struct Row: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Whether it fires for ordinary inserts, on the outbox and on every partition that has it.
        public var isEnabled: Bool
    }

    /// The text of the statement.
    public static let sql = """
        SELECT t.tgname::text, bool_and(t.tgenabled IN ('O', 'A'))
        FROM pg_trigger t
        WHERE NOT t.tgisinternal AND (t.tgrelid = 'postrider.outbox'::regclass
            OR t.tgrelid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'postrider.outbox'::regclass))
        GROUP BY t.tgname ORDER BY t.tgname
        """

    /// The triggers there must be.
    public static let needed = ["outbox_1_reject", "outbox_2_skip_known", "outbox_3_fan_out"]

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(name: try row.column(0), isEnabled: try row.column(1))
    }
}
