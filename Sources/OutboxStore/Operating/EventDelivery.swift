package import Postgres

/// What became of an event at an endpoint so far.
package struct EventDelivery: Sendable {
    /// The event's id.
    package var event: Int64
    /// The id that receivers know the event by.
    package var webhookID: String
    /// What happened; nil when the event is gone.
    package var eventType: String?
    /// Whose event it is; nil when the event is gone.
    package var tenant: String?
    /// Where it goes; nil when the event matched nothing.
    package var endpoint: String?
    /// `pending`, `in_flight`, `retrying`, `held`, `delivered`, `dead`, `expired`, `cancelled`, `filtered`,
    /// `no_subscriber`.
    package var status: String
    /// How many attempts were made.
    package var attempts: Int32
    /// When the next attempt is due.
    package var dueAt: PostgresTimestamp?
    /// When the last attempt began.
    package var lastAttemptAt: PostgresTimestamp?
    /// The status of the last answer.
    package var lastHTTPStatus: Int32?
    /// Why the last attempt failed, as one word.
    package var lastErrorCode: String?
    /// When the event happened.
    package var createdAt: PostgresTimestamp
    /// How long ago that was.
    package var age: Duration
    /// When the delivery ended.
    package var finishedAt: PostgresTimestamp?

    /// What became of the events in `chosen (id, created_at, event_type, tenant)`, with names instead of ids, as `found`.
    ///
    /// As the view `event_deliveries` has it, for a few events out of many: history is looked up event by event in its
    /// indexes (OFFSET 0 keeps the planner to that), live work is read once, since it has no index by event.
    static let found = """
        known AS MATERIALIZED (
            SELECT d.event_id, d.endpoint_id,
                   CASE WHEN d.lease_until > clock_timestamp() THEN 'in_flight'
                        WHEN l.open_at > clock_timestamp() THEN 'held'
                        WHEN d.attempt > d.attempt_base THEN 'retrying'
                        ELSE 'pending' END AS status,
                   d.attempt AS attempts, d.due_at, NULL::timestamptz AS last_attempt_at,
                   NULL::smallint AS last_http_status, NULL::text AS last_error_code, NULL::timestamptz AS finished_at
            FROM chosen c
            JOIN postrider.deliveries d ON d.event_id = c.id
            JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
            UNION ALL
            SELECT c.id, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT x.endpoint_id, 'dead', x.attempts, NULL::timestamptz, x.last_attempt_at, x.last_http_status,
                       x.last_error_code, x.dead_at
                FROM postrider.dead x WHERE x.event_id = c.id OFFSET 0) h
            UNION ALL
            SELECT c.id, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT x.endpoint_id, x.status, x.attempts, NULL::timestamptz, x.last_attempt_at, x.last_http_status,
                       x.last_error_code, x.closed_at
                FROM postrider.closed x WHERE x.event_id = c.id OFFSET 0) h
            UNION ALL
            SELECT c.id, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT a.endpoint_id, 'delivered', a.attempt, NULL::timestamptz, a.started_at, a.http_status, NULL::text,
                       a.started_at + a.duration_us * interval '1 us'
                FROM postrider.attempts a WHERE a.event_id = c.id AND a.outcome = 0 OFFSET 0) h),
        found AS (
            SELECT c.id AS event_id, c.created_at, c.event_type, c.tenant, e.name AS endpoint, k.endpoint_id,
                   coalesce(k.status, 'no_subscriber') AS status, coalesce(k.attempts, 0)::int AS attempts, k.due_at,
                   k.last_attempt_at, k.last_http_status, k.last_error_code,
                   CASE WHEN k.event_id IS NULL THEN c.created_at ELSE k.finished_at END AS finished_at
            FROM chosen c
            LEFT JOIN known k ON k.event_id = c.id
            LEFT JOIN postrider.endpoints e ON e.id = k.endpoint_id)
        """

    /// The columns that ``init(_:)`` reads, out of rows `f` of `found`; of live work the last attempt is looked up.
    static let columns = """
        f.event_id, postrider.webhook_id(f.event_id), f.event_type, f.tenant, f.endpoint, f.status, f.attempts, f.due_at,
        coalesce(f.last_attempt_at, last.started_at), coalesce(f.last_http_status, last.http_status)::int,
        coalesce(f.last_error_code, last.error_code), f.created_at,
        (extract(epoch FROM clock_timestamp() - f.created_at) * 1000000)::bigint, f.finished_at
        """

    /// The last attempt of live work in rows `f` of `found`.
    static let last = """
        LEFT JOIN LATERAL (
            SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
            WHERE a.event_id = f.event_id AND a.endpoint_id = f.endpoint_id
            ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON f.finished_at IS NULL AND f.attempts > 0
        """

    init(_ row: borrowing PostgresRow) throws(PostgresError) {
        event = try row.column(0)
        webhookID = try row.column(1)
        eventType = try row.column(2)
        tenant = try row.column(3)
        endpoint = try row.column(4)
        status = try row.column(5)
        attempts = try row.column(6)
        dueAt = try row.column(7)
        lastAttemptAt = try row.column(8)
        lastHTTPStatus = try row.column(9)
        lastErrorCode = try row.column(10)
        createdAt = try row.column(11)
        age = .microseconds(try row.column(12, as: Int64.self))
        finishedAt = try row.column(13)
    }
}
