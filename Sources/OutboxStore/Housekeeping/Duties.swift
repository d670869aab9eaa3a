package import Postgres

/// What workers do on the side. The database sees to it that a duty is done once, however many workers ask for it.
package enum Duties {
    /// Makes daily partitions a week ahead, once an hour over all workers; returns how many were made.
    package static let keepPartitions = PostgresQuery<Int32>("SELECT postrider.keep_partitions()")

    /// Drops the oldest partition that is past its retention, if there is one; returns its name.
    package static let keepRetention = PostgresQuery<String?>("SELECT postrider.keep_retention()")

    /// Makes the deliveries that the fan-out trigger missed; returns how many.
    package static let keepRepaired = PostgresQuery<Int32>("SELECT postrider.keep_repaired()")

    /// Marks committed subscriptions as in effect; returns how many.
    package static let keepSubscriptions = PostgresQuery<Int32>("SELECT postrider.keep_subscriptions()")

    /// Stops counting rows whose lease ran out, in lanes with an in-flight limit; returns how many.
    package static let keepLeases = PostgresQuery<Int32>("SELECT postrider.keep_leases()")

    /// Cancels what removed endpoints are still owed and wakes ordering keys that wait for no delivery; returns how many
    /// rows.
    package static let keepKeys = PostgresQuery<Int32>("SELECT postrider.keep_keys()")

    /// Forgets workers that were not heard of for a day; returns how many.
    package static let keepWorkers = PostgresQuery<Int32>("SELECT postrider.keep_workers()")

    /// Whether it is this worker's turn to vacuum, and whether it is worth it and allowed.
    ///
    /// - Parameter deadRows: leave it to autovacuum below this many.
    package static func takeVacuum(deadRows: Int64) -> PostgresQuery<Bool> {
        PostgresQuery(
            """
            SELECT CASE WHEN pg_has_role(c.relowner, 'USAGE') AND pg_stat_get_dead_tuples(c.oid) > $1
                        THEN postrider.take_duty('vacuum') ELSE false END
            FROM pg_class c WHERE c.oid = 'postrider.deliveries'::regclass
            """, deadRows)
    }

    /// Vacuums the hot table: autovacuum looks once a minute at best, and this table turns over in seconds.
    ///
    /// SKIP_LOCKED: autovacuum at the same table is as good. TRUNCATE off: it would take an exclusive lock. The small lanes
    /// table goes along, since claims update it again and again.
    package static let vacuum = PostgresQuery<Void>(
        """
        VACUUM (SKIP_LOCKED, TRUNCATE off, INDEX_CLEANUP auto, PARALLEL 0)
            postrider.deliveries, postrider.lanes, postrider.endpoint_marks, postrider.workers, postrider.duties
        """
    ).qualified
}
