package import Postgres

/// The triggers on the outbox that work for producers.
package struct CheckTriggers: PostgresStatement {
    /// A trigger that was found.
    package struct Row: Sendable, Equatable {
        /// Its name.
        package var name: String
        /// Whether it fires for ordinary inserts, on the outbox and on every partition that has it.
        package var isEnabled: Bool
    }

    /// The text of the statement.
    package static let sql = """
        SELECT t.tgname::text, bool_and(t.tgenabled IN ('O', 'A'))
        FROM pg_trigger t
        WHERE NOT t.tgisinternal AND (t.tgrelid = 'postrider.outbox'::regclass
            OR t.tgrelid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'postrider.outbox'::regclass))
        GROUP BY t.tgname ORDER BY t.tgname
        """

    /// The triggers there must be.
    package static let needed = ["outbox_1_reject", "outbox_2_skip_known", "outbox_3_fan_out"]

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(name: try row.column(0), isEnabled: try row.column(1))
    }
}
