package import Postgres

/// Whether it is this worker's turn to vacuum, and whether it is worth it and allowed.
package struct TakeVacuumDuty: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
        SELECT CASE WHEN pg_has_role(c.relowner, 'USAGE') AND pg_stat_get_dead_tuples(c.oid) > $1
                    THEN postrider.take_duty('vacuum') ELSE false END
        FROM pg_class c WHERE c.oid = 'postrider.deliveries'::regclass
        """

    private let deadRows: Int64

    /// - Parameter deadRows: leave it to autovacuum below this many.
    package init(deadRows: Int64) {
        self.deadRows = deadRows
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(deadRows)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Bool { try row.column(0) }
}
