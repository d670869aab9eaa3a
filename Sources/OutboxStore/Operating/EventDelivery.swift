package import Postgres

extension Events {
    private static let deliveryLimit = 1000

    /// What became of one event, a row for each endpoint.
    ///
    /// - Parameter createdAt: when it happened, to the microsecond: see ``locate(_:)``.
    package static func deliveries(_ id: Int64, createdAt: PostgresTimestamp) -> PostgresQuery<EventDelivery> {
        PostgresQuery(
            """
            WITH chosen AS MATERIALIZED (
                SELECT o.id, o.created_at, o.event_type, o.tenant FROM postrider.outbox o
                WHERE o.created_at = $2 AND o.id = $1),
            \(EventDelivery.found)
            SELECT \(EventDelivery.columns)
            FROM found f
            \(EventDelivery.last)
            ORDER BY f.endpoint LIMIT \(deliveryLimit)
            """, id, createdAt)
    }

    /// What is still to come of an event: a row for each delivery that lives or is a dead letter.
    package static func prospects(_ id: Int64, createdAt: PostgresTimestamp) -> PostgresQuery<DeliveryProspect> {
        PostgresQuery(
            """
            SELECT e.name, greatest(d.attempt - greatest(d.attempt_base, 0), 0), e.max_attempts, e.state, e.state_reason,
                   CASE WHEN d.due_at < 'infinity'
                       THEN (extract(epoch FROM d.due_at - now()) * 1000000)::bigint END,
                   CASE WHEN d.due_at = 'infinity' THEN (
                       -- The first of its key: the order of ids is the order of insertion.
                       SELECT b.event_id FROM postrider.deliveries b
                       WHERE b.endpoint_id = d.endpoint_id AND b.ordering_key = d.ordering_key AND b.id < d.id
                       ORDER BY b.id LIMIT 1) END,
                   NULL::bigint, CASE WHEN d.lease_by <> 0 THEN d.lease_until END,
                   (SELECT n.name FROM postrider.worker_names n WHERE n.id = d.lease_by)
            FROM postrider.deliveries d JOIN postrider.endpoints e ON e.id = d.endpoint_id
            WHERE d.event_id = $1 AND d.event_at = $2
            UNION ALL
            SELECT e.name, x.attempts, e.max_attempts, e.state, e.state_reason, NULL, NULL, x.id, NULL, NULL
            FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
            WHERE x.event_id = $1 AND x.event_at = $2
            """, id, createdAt)
    }

    /// Why the deliveries of an event ended that were not delivered, and who ended them.
    package static func endings(_ id: Int64, createdAt: PostgresTimestamp) -> PostgresQuery<DeliveryEnding> {
        PostgresQuery(
            """
            SELECT e.name, k.reason, k.by_whom
            FROM (
                SELECT c.endpoint_id, c.reason, c.closed_by AS by_whom FROM postrider.closed c
                WHERE c.event_id = $1 AND c.event_at = $2
                UNION ALL
                SELECT x.endpoint_id, x.reason, NULL FROM postrider.dead x WHERE x.event_id = $1 AND x.event_at = $2
                UNION ALL
                SELECT d.endpoint_id, d.cancelled_why, d.cancelled_by FROM postrider.deliveries d
                WHERE d.event_id = $1 AND d.event_at = $2 AND d.cancelled_why IS NOT NULL) k
            JOIN postrider.endpoints e ON e.id = k.endpoint_id
            """, id, createdAt)
    }
}

/// Why a delivery ended, or will end with the attempt that is in flight, and who ended it.
package struct DeliveryEnding: Sendable, Equatable {
    package var endpoint: String
    /// `cancelled by alice: sent by hand`, `discarded: too old`, or one word.
    package var reason: String?
    /// The login that closed it; nil where that was no act of a person.
    package var by: String?

    package init(endpoint: String, reason: String?, by: String?) {
        self.endpoint = endpoint
        self.reason = reason
        self.by = by
    }
}

extension DeliveryEnding: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(endpoint: try row.column(0), reason: try row.column(1), by: try row.column(2))
    }
}

/// What became of an event at an endpoint so far.
package struct EventDelivery: Sendable {
    /// The event's id.
    package var event: Int64
    /// The id that receivers know the event by.
    package var webhookID: String
    /// Nil when the event is gone.
    package var eventType: String?
    /// Nil when the event is gone.
    package var tenant: String?
    /// Nil when the event matched no subscription.
    package var endpoint: String?
    /// `pending`, `in_flight`, `retrying`, `held`, `blocked`, `delivered`, `dead`, `expired`, `cancelled`, `filtered`,
    /// `superseded`, `no_subscriber`.
    package var status: String
    package var attempts: Int32
    /// When the next attempt is due.
    package var dueAt: PostgresTimestamp?
    /// When the last attempt began.
    package var lastAttemptAt: PostgresTimestamp?
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
    fileprivate static let found = """
        known AS MATERIALIZED (
            SELECT d.event_id, d.event_at, d.endpoint_id,
                   CASE WHEN d.lease_until > now() THEN 'in_flight'
                        WHEN postrider.is_held(l.open_at) THEN 'held'
                        WHEN key.is_blocked THEN 'blocked'
                        WHEN d.attempt > d.attempt_base THEN 'retrying'
                        ELSE 'pending' END AS status,
                   d.attempt - coalesce(d.unsent, 0) AS attempts, d.due_at, NULL::timestamptz AS last_attempt_at,
                   NULL::smallint AS last_http_status, NULL::text AS last_error_code, NULL::timestamptz AS finished_at
            FROM chosen c
            JOIN postrider.deliveries d ON d.event_id = c.id AND d.event_at = c.created_at
            JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
            LEFT JOIN LATERAL (
                SELECT h.due_at > clock_timestamp()
                           OR h.attempt > h.attempt_base + (h.lease_until > clock_timestamp())::int AS is_blocked
                FROM postrider.deliveries h WHERE h.endpoint_id = d.endpoint_id AND h.ordering_key = d.ordering_key
                ORDER BY h.id LIMIT 1) key ON d.due_at = 'infinity'
            UNION ALL
            SELECT c.id, c.created_at, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT x.endpoint_id, 'dead', x.attempts, NULL::timestamptz, x.last_attempt_at, x.last_http_status,
                       x.last_error_code, x.dead_at
                FROM postrider.dead x WHERE x.event_id = c.id AND x.event_at = c.created_at OFFSET 0) h
            UNION ALL
            SELECT c.id, c.created_at, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT x.endpoint_id, x.status, x.attempts, NULL::timestamptz, x.last_attempt_at, x.last_http_status,
                       x.last_error_code, x.closed_at
                FROM postrider.closed x WHERE x.event_id = c.id AND x.event_at = c.created_at OFFSET 0) h
            UNION ALL
            SELECT c.id, c.created_at, h.* FROM chosen c CROSS JOIN LATERAL (
                SELECT a.endpoint_id, 'delivered', a.attempt - coalesce(a.unsent, 0), NULL::timestamptz, a.started_at, a.http_status, NULL::text,
                       a.started_at + a.duration_us * interval '1 us'
                FROM postrider.attempts a
                WHERE a.event_id = c.id AND a.event_at = c.created_at AND a.outcome = 0 OFFSET 0) h),
        found AS (
            SELECT c.id AS event_id, c.created_at, c.event_type, c.tenant, e.name AS endpoint, k.endpoint_id,
                   coalesce(k.status, 'no_subscriber') AS status, coalesce(k.attempts, 0)::int AS attempts, k.due_at,
                   k.last_attempt_at, k.last_http_status, k.last_error_code,
                   CASE WHEN k.event_id IS NULL THEN c.created_at ELSE k.finished_at END AS finished_at
            FROM chosen c
            LEFT JOIN known k ON k.event_id = c.id AND k.event_at = c.created_at
            LEFT JOIN postrider.endpoints e ON e.id = k.endpoint_id)
        """

    /// The columns that ``init(_:)`` reads, out of rows `f` of `found`; of live work the last attempt is looked up.
    fileprivate static let columns = """
        f.event_id, postrider.webhook_id(f.created_at, f.event_id), f.event_type, f.tenant, f.endpoint, f.status, f.attempts, f.due_at,
        coalesce(f.last_attempt_at, last.started_at), coalesce(f.last_http_status, last.http_status)::int,
        coalesce(f.last_error_code, last.error_code), f.created_at,
        (extract(epoch FROM now() - f.created_at) * 1000000)::bigint, f.finished_at
        """

    /// The last attempt of live work in rows `f` of `found`.
    fileprivate static let last = """
        LEFT JOIN LATERAL (
            SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
            WHERE a.event_id = f.event_id AND a.event_at = f.created_at AND a.endpoint_id = f.endpoint_id
            ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON f.finished_at IS NULL AND f.attempts > 0
        """
}

extension EventDelivery: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) { try self.init(row, from: 0) }

    /// - Parameter first: the column of the event's number.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        self.init(
            event: try row.column(first), webhookID: try row.column(first + 1), eventType: try row.column(first + 2),
            tenant: try row.column(first + 3), endpoint: try row.column(first + 4), status: try row.column(first + 5),
            attempts: try row.column(first + 6), dueAt: try row.column(first + 7),
            lastAttemptAt: try row.column(first + 8), lastHTTPStatus: try row.column(first + 9),
            lastErrorCode: try row.column(first + 10), createdAt: try row.column(first + 11),
            age: try row.microseconds(first + 12), finishedAt: try row.column(first + 13))
    }
}

/// What one delivery has before it.
package struct DeliveryProspect: Sendable, Equatable {
    package var endpoint: String
    /// Attempts that count against `maxAttempts`: those since the last replay.
    package var attempts: Int32
    /// Attempts that the endpoint allows.
    package var maxAttempts: Int32
    /// `active`, `paused` or `disabled`; `removed` for one that is no more.
    package var state: String
    /// Why it is paused or disabled.
    package var stateReason: String?
    /// How long until it is due; negative when it is. Nil for a dead letter, and while it waits for another event.
    package var dueIn: Duration?
    /// The event with the same ordering key that has to end first.
    package var waitsFor: Int64?
    /// The id of the dead letter; nil when it lives.
    package var deadLetter: Int64?
    /// When the lease of the worker that has it ends, or ended; nil when none has it.
    package var leaseUntil: PostgresTimestamp?
    /// Host and process of that worker.
    package var worker: String?
}

extension DeliveryProspect: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            endpoint: try row.column(0), attempts: try row.column(1), maxAttempts: try row.column(2),
            state: try row.column(3), stateReason: try row.column(4), dueIn: try row.microseconds(5),
            waitsFor: try row.column(6), deadLetter: try row.column(7), leaseUntil: try row.column(8),
            worker: try row.column(9))
    }
}
