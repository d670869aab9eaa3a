package import Postgres

/// What `doctor` asks about housekeeping, beside the duties.
package enum RetentionChecks {
    private static let dayLimit = 20

    /// The days of events that are past their retention and kept, the oldest first.
    package static let keptDays = PostgresQuery<KeptDay>(
        """
        WITH old AS MATERIALIZED (
            SELECT p.parent, p.name, p.day, pg_total_relation_size(format('postrider.%I', p.name)::regclass) AS bytes
            FROM postrider.daily_partitions() p
            -- A day more: the duty comes once an hour.
            WHERE p.day_end < clock_timestamp() - (SELECT s.retention + interval '1 day' FROM postrider.settings s)),
        needed AS (
            SELECT n.day, count(*) FILTER (WHERE n.is_dead) AS dead, count(*) FILTER (WHERE NOT n.is_dead) AS live,
                   min(n.event_id) AS event
            FROM (SELECT (x.event_at AT TIME ZONE 'UTC')::date AS day, true AS is_dead, x.event_id FROM postrider.dead x
                  WHERE x.event_at < (SELECT (max(o.day) + 1)::timestamp AT TIME ZONE 'UTC' FROM old o)
                  UNION ALL
                  SELECT (d.event_at AT TIME ZONE 'UTC')::date, false, d.event_id FROM postrider.deliveries d
                  WHERE d.event_at < (SELECT (max(o.day) + 1)::timestamp AT TIME ZONE 'UTC' FROM old o)) n
            GROUP BY n.day)
        SELECT o.name, o.bytes, n.dead, n.live, n.event, (SELECT count(*) FROM old), (SELECT sum(a.bytes)::bigint FROM old a)
        FROM old o JOIN needed n ON n.day = o.day
        WHERE o.parent = 'outbox' ORDER BY o.day LIMIT \(dayLimit)
        """)

    /// Tables of which a publication publishes changes that they cannot name, so that each such change is refused.
    package static let withoutIdentity = PostgresQuery<String>(
        """
        SELECT DISTINCT t.tablename::text
        FROM pg_publication_tables t
        JOIN pg_publication p ON p.pubname = t.pubname
        JOIN pg_namespace n ON n.nspname = t.schemaname
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
        WHERE t.schemaname = 'postrider' AND (p.pubupdate OR p.pubdelete)
            AND (c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
        ORDER BY 1
        """)
}

/// A day of events that is past its retention and kept, because something still needs it.
package struct KeptDay: Sendable, Equatable {
    /// The partition.
    package var name: String
    package var bytes: Int64
    /// How many dead letters need it.
    package var deadLetters: Int64
    /// How many deliveries need it.
    package var deliveries: Int64
    /// One of the events that they are of.
    package var event: Int64
    /// How many partitions of events and attempts are past their retention in all.
    package var partitions: Int64
    /// What all of those take up.
    package var allBytes: Int64

    package init(
        name: String, bytes: Int64, deadLetters: Int64, deliveries: Int64, event: Int64, partitions: Int64,
        allBytes: Int64
    ) {
        self.name = name
        self.bytes = bytes
        self.deadLetters = deadLetters
        self.deliveries = deliveries
        self.event = event
        self.partitions = partitions
        self.allBytes = allBytes
    }
}

extension KeptDay: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            name: try row.column(0), bytes: try row.column(1), deadLetters: try row.column(2),
            deliveries: try row.column(3), event: try row.column(4), partitions: try row.column(5),
            allBytes: try row.column(6))
    }
}
