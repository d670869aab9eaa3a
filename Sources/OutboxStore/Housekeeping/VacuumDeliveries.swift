import Postgres

/// Vacuums the hot table: autovacuum looks once a minute at best, and this table turns over in seconds.
///
/// SKIP_LOCKED: autovacuum at the same table is as good. TRUNCATE off: it would take an exclusive lock. The small lanes
/// table goes along, since claims update it again and again.
package struct VacuumDeliveries: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = """
        VACUUM (SKIP_LOCKED, TRUNCATE off, INDEX_CLEANUP auto, PARALLEL 0)
            postrider.deliveries, postrider.lanes, postrider.endpoint_marks, postrider.workers, postrider.duties
        """

    /// The statement has no parameters.
    package init() {}
}
