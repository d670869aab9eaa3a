package import Postgres

/// How the outbox is doing as a whole: what readiness, metrics and `status` are made of.
package enum Status {
    /// What readiness depends on: one look at the server.
    package static let database = PostgresQuery<DatabaseState>(
        """
        SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
               (SELECT max(m.version) FROM postrider.schema_migrations m),
               (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
               CASE WHEN current_setting('track_counts')::boolean THEN pg_stat_get_tuples_inserted(d.id) END,
               CASE WHEN current_setting('track_counts')::boolean THEN pg_stat_get_tuples_deleted(d.id) END
        FROM (SELECT 'postrider.deliveries'::regclass AS id) d
        """)

    /// What time it is by the database's clock.
    package static let clock = PostgresQuery<PostgresTimestamp>("SELECT clock_timestamp()")

    // now() can bound an index scan, clock_timestamp() cannot.
    /// How many deliveries are due, and for how long the first of them has been; paused endpoints apart.
    package static let backlog = PostgresQuery<Backlog>(
        """
        SELECT coalesce(sum(due.count), 0)::bigint,
               (extract(epoch FROM clock_timestamp() - min(due.oldest)) * 1000000)::bigint
        FROM postrider.lanes l
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, min(few.due_at) AS oldest FROM (
                SELECT d.due_at FROM postrider.deliveries d
                WHERE d.endpoint_id = l.endpoint_id AND d.due_at <= now() AND d.lease_until <= now()
                ORDER BY d.due_at LIMIT \(Backlog.limit)) few) due
        WHERE l.open_at <= now()
        """)

    /// How many events are stored, and how many came within the last hour.
    package static let eventCounts = PostgresQuery<EventCounts>(
        """
        SELECT (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o LIMIT \(EventCounts.limit)) stored),
               (SELECT count(*) FROM (SELECT 1 FROM postrider.outbox o WHERE o.created_at > now() - interval '1 hour'
                                      LIMIT \(EventCounts.limit)) recent)
        """)
}

/// The state of the database.
package struct DatabaseState: Sendable {
    /// A standby, or a primary that was made read-only.
    package var isReadOnly: Bool
    /// The newest migration that was applied; nil when there is no schema.
    package var schemaVersion: Int32?
    /// The database's clock, in microseconds since 1970.
    package var clock: Int64
    /// How many deliveries were ever made, and how many are not there any more, however they ended: the server's own statistics, which
    /// lag by a second under load and by ten after it. Nil where the server keeps none; they begin again after a crash of it.
    package var made: Int64?
    package var ended: Int64?
}

extension DatabaseState: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        isReadOnly = try row.column(0)
        schemaVersion = try row.column(1)
        clock = try row.column(2)
        made = try row.column(3)
        ended = try row.column(4)
    }
}

/// The deliveries that are due.
package struct Backlog: Sendable, Equatable {
    /// Where counting stops for each endpoint: a count over millions of rows is expensive.
    package static let limit = 10_000

    /// Deliveries that are due and not in flight, each endpoint counted up to ``limit``.
    package var due: Int64
    /// How long the delivery that has been due for longest has been waiting; nil when none is due.
    package var oldest: Duration?

    package init(due: Int64, oldest: Duration?) {
        self.due = due
        self.oldest = oldest
    }
}

extension Backlog: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        due = try row.column(0)
        oldest = try row.microseconds(1)
    }
}

/// How many events there are.
package struct EventCounts: Sendable {
    /// Where counting stops.
    package static let limit = 100_000

    /// Events that are stored, at most ``limit``.
    package var events: Int64
    /// Events of the last hour, at most ``limit``.
    package var lastHour: Int64
}

extension EventCounts: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        events = try row.column(0)
        lastHour = try row.column(1)
    }
}
