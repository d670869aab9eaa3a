package import Postgres

/// What operators ask about endpoints, and what they do to them.
///
/// What names an endpoint fails with `no_data_found` where there is none of that name, unless it says otherwise.
package enum Endpoints {
    /// How many deliveries, and how many dead letters, ``list(name:limit:)`` counts.
    package static let countLimit = 100_000

    // now() can bound an index scan, clock_timestamp() cannot.
    /// Endpoints with what is owed to them, by name.
    ///
    /// Counts at most a hundred thousand deliveries and as many dead letters over all endpoints, in the order in which
    /// they are stored: no operator should have to wait for an exact count of millions.
    ///
    /// - Parameters:
    ///   - name: this endpoint alone; nil for all.
    ///   - limit: the most endpoints that are returned.
    package static func list(name: String? = nil, limit: Int32) -> PostgresQuery<EndpointOverview> {
        PostgresQuery(
            """
            WITH named AS MATERIALIZED (
                SELECT e.id FROM postrider.endpoints e WHERE e.name = $1 AND e.state <> 'removed'),
            live AS MATERIALIZED (
                SELECT d.endpoint_id, d.lease_until > clock_timestamp() AS is_leased, d.attempt > d.attempt_base AS is_retry
                FROM postrider.deliveries d
                WHERE $1 IS NULL OR d.endpoint_id = (SELECT n.id FROM named n)
                LIMIT \(countLimit)),
            owed AS (
                SELECT v.endpoint_id, count(*) FILTER (WHERE v.is_leased) AS in_flight,
                       count(*) FILTER (WHERE NOT v.is_leased AND v.is_retry) AS retrying,
                       count(*) FILTER (WHERE NOT v.is_leased AND NOT v.is_retry) AS pending
                FROM live v GROUP BY v.endpoint_id),
            dead AS MATERIALIZED (
                SELECT x.endpoint_id FROM postrider.dead x
                WHERE $1 IS NULL OR x.endpoint_id = (SELECT n.id FROM named n)
                LIMIT \(countLimit)),
            buried AS (SELECT x.endpoint_id, count(*) AS letters FROM dead x GROUP BY x.endpoint_id)
            SELECT e.name, e.tenant, u.url, e.state, e.state_reason,
                   ARRAY(SELECT s.pattern FROM postrider.subscriptions s WHERE s.endpoint_id = e.id ORDER BY s.pattern),
                   CASE WHEN lane.is_open THEN coalesce(o.pending, 0) ELSE 0 END,
                   coalesce(o.in_flight, 0),
                   CASE WHEN lane.is_open THEN coalesce(o.retrying, 0) ELSE 0 END,
                   CASE WHEN lane.is_open THEN 0 ELSE coalesce(o.pending + o.retrying, 0) END,
                   coalesce(b.letters, 0),
                   (extract(epoch FROM clock_timestamp() - (
                       SELECT d.due_at FROM postrider.deliveries d
                       WHERE d.endpoint_id = e.id AND d.due_at <= now() AND d.lease_until <= now()
                       ORDER BY d.due_at LIMIT 1)) * 1000000)::bigint,
                   m.consecutive_failures, m.last_success_at, m.last_failure_at,
                   (SELECT count(*) FROM live) >= \(countLimit) OR (SELECT count(*) FROM dead) >= \(countLimit)
            FROM postrider.endpoints e
            JOIN postrider.endpoint_urls u ON u.id = e.url_id
            JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
            JOIN (SELECT l.endpoint_id, l.open_at <= clock_timestamp() AS is_open FROM postrider.lanes l) lane
                ON lane.endpoint_id = e.id
            LEFT JOIN owed o ON o.endpoint_id = e.id
            LEFT JOIN buried b ON b.endpoint_id = e.id
            WHERE e.state <> 'removed' AND ($1 IS NULL OR e.name = $1)
            ORDER BY e.name LIMIT $2
            """, name, limit)
    }

    /// How an endpoint is set up, without secrets and without the values of its headers; no row where there is none.
    package static func setup(_ name: String) -> PostgresQuery<EndpointSetup> {
        PostgresQuery(
            """
            SELECT s.tenant, s.payload_format,
                   ARRAY(SELECT \(microseconds("w.length"))
                         FROM unnest(s.retry_schedule) WITH ORDINALITY AS w (length, place) ORDER BY w.place),
                   s.max_attempts, \(microseconds("s.timeout")), s.max_in_flight, s.rate_limit,
                   s.header_names, s.secrets, s.created_at, s.updated_at
            FROM postrider.endpoint_settings s WHERE s.endpoint = $1
            """, name)
    }

    /// SQL for a length of time that fails for no value: a month counts as 30 days, and what no screen could show
    /// is cut off at thirty thousand years.
    private static func microseconds(_ interval: String) -> String {
        "(least(greatest(extract(epoch FROM \(interval)), -1e12), 1e12) * 1000000)::bigint"
    }

    /// The tenant of an endpoint; no row where there is none of this name.
    package static func tenant(_ name: String) -> PostgresQuery<String> {
        PostgresQuery(
            "SELECT e.tenant FROM postrider.endpoints e WHERE e.name = $1 AND e.state <> 'removed'", name)
    }

    /// The id of the endpoint with a name; no row where there is none. Of several removed ones the newest.
    ///
    /// - Parameter includingRemoved: whether an endpoint counts that was removed: its history is still there.
    package static func find(_ name: String, includingRemoved: Bool = false) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            SELECT e.id FROM postrider.endpoints e WHERE e.name = $1 AND ($2 OR e.state <> 'removed')
            ORDER BY (e.state <> 'removed') DESC, e.id DESC LIMIT 1
            """, name, includingRemoved)
    }

    /// The names that begin with `prefix`, in order.
    package static func names(beginningWith prefix: String, limit: Int32) -> PostgresQuery<String> {
        PostgresQuery(
            """
            SELECT e.name FROM postrider.endpoints e WHERE starts_with(e.name, $1) AND e.state <> 'removed'
            ORDER BY e.name LIMIT $2
            """, prefix, limit)
    }

    private static let urlLimit = 10_000

    /// Where each endpoint is, and why it cannot be read.
    package static let urls = PostgresQuery<EndpointLocation>(
        """
        SELECT s.endpoint, s.url, s.fault FROM postrider.endpoint_settings s ORDER BY s.endpoint LIMIT \(urlLimit)
        """)

    /// Registers an endpoint and returns its id.
    ///
    /// - Parameter secret: `whsec_…`, or sealed.
    package static func register(
        _ name: String, tenant: String, secret: String, settings: EndpointSettings
    ) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            SELECT r.endpoint_id
            FROM postrider.register_endpoint(
                name => $1, url => $2, event_types => coalesce($3, '{*}'), secret => $4, tenant => $5,
                retry_schedule => $6, max_attempts => $7, timeout => $8, max_in_flight => nullif($9, 0),
                rate_limit => nullif($10, 0), payload_format => coalesce($11, 'envelope'),
                headers => coalesce($12, '{}')) r
            """, name, settings.url, settings.eventTypes, secret, tenant, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers)
    }

    /// Changes what is set and leaves the rest.
    package static func update(_ name: String, settings: EndpointSettings) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT postrider.update_endpoint(
                name => $1, url => $2, event_types => $3, retry_schedule => $4, max_attempts => $5, timeout => $6,
                max_in_flight => $7, rate_limit => $8, payload_format => $9, headers => $10)
            """, name, settings.url, settings.eventTypes, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers)
    }

    /// Keeps what is owed to an endpoint.
    package static func pause(_ name: String) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.pause_endpoint($1)", name)
    }

    /// Sends to an endpoint again.
    package static func resume(_ name: String) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.resume_endpoint($1)", name)
    }

    /// Removes an endpoint and returns how many deliveries were cancelled.
    package static func remove(_ name: String) -> PostgresQuery<Int32> {
        PostgresQuery("SELECT postrider.remove_endpoint($1)", name)
    }

    // rotate_secret returns the secret, which need not travel back.
    /// Gives an endpoint a new signing secret; the old ones sign along for a while.
    ///
    /// - Parameters:
    ///   - secret: `whsec_…`, or sealed.
    ///   - grace: how long the old secrets go on signing.
    package static func rotateSecret(_ name: String, secret: String, grace: Duration) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT count(r) FROM postrider.rotate_secret(name => $1, secret => $2, grace => $3) r
            """, name, secret, grace)
    }
}

/// How an endpoint is doing.
package struct EndpointOverview: Sendable {
    package var name: String
    package var tenant: String
    package var url: String
    /// `active`, `paused` or `disabled`.
    package var state: String
    /// Who paused it, or why it was disabled.
    package var stateReason: String?
    /// Patterns of event types.
    package var eventTypes: [String]
    /// Deliveries not tried yet.
    package var pending: Int64
    /// Deliveries leased to a worker.
    package var inFlight: Int64
    /// Deliveries that failed and will be tried again.
    package var retrying: Int64
    /// Deliveries kept while the endpoint is closed.
    package var held: Int64
    package var deadLetters: Int64
    /// How long the oldest due delivery has been waiting; nil when none is due.
    package var oldestDueAge: Duration?
    /// Attempts that failed since the last one that did not.
    package var consecutiveFailures: Int32
    package var lastSuccessAt: PostgresTimestamp?
    package var lastFailureAt: PostgresTimestamp?
    /// Whether counting stopped at a limit, so that every count means "at least".
    package var isCapped: Bool
}

extension EndpointOverview: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            name: try row.column(0), tenant: try row.column(1), url: try row.column(2), state: try row.column(3),
            stateReason: try row.column(4), eventTypes: try row.column(5), pending: try row.column(6),
            inFlight: try row.column(7), retrying: try row.column(8), held: try row.column(9),
            deadLetters: try row.column(10), oldestDueAge: try row.microseconds(11),
            consecutiveFailures: try row.column(12), lastSuccessAt: try row.column(13),
            lastFailureAt: try row.column(14), isCapped: try row.column(15))
    }
}

/// What an operator sets about an endpoint. Nil: the default of a new endpoint, or as it is for an existing one.
package struct EndpointSettings: Sendable, Equatable {
    /// Where it is. A new endpoint must have one.
    package var url: String?
    /// Patterns of event types.
    package var eventTypes: [String]?
    /// Waits between attempts.
    package var retrySchedule: [Duration]?
    /// Attempts before a delivery is dead; one more than there are waits, when only the schedule is given.
    package var maxAttempts: Int32?
    /// How long the whole exchange may take.
    package var timeout: Duration?
    /// Deliveries in flight at once; 0 for no limit.
    package var maxInFlight: Int32?
    /// Requests a second; 0 for no limit.
    package var rateLimit: Float?
    /// `envelope` or `raw`.
    package var payloadFormat: String?
    /// `Name: value` lines. May hold credentials.
    package var headers: [String]?

    package init() {}
}

/// How an endpoint is set up.
package struct EndpointSetup: Sendable {
    package var tenant: String
    /// `envelope` or `raw`.
    package var payloadFormat: String
    /// Waits between attempts.
    package var retrySchedule: [Duration]
    /// Attempts before a delivery is dead.
    package var maxAttempts: Int32
    /// How long the whole exchange may take.
    package var timeout: Duration
    /// Deliveries in flight at once; nil for no limit.
    package var maxInFlight: Int32?
    /// Requests a second; nil for no limit.
    package var rateLimit: Float?
    /// The names of the headers that are sent along.
    package var headerNames: [String]
    /// How many signing secrets are live.
    package var secrets: Int32
    package var createdAt: PostgresTimestamp
    package var updatedAt: PostgresTimestamp
}

extension EndpointSetup: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            tenant: try row.column(0), payloadFormat: try row.column(1),
            retrySchedule: try row.column(2, as: [Int64].self).map { .microseconds($0) },
            maxAttempts: try row.column(3), timeout: .microseconds(try row.column(4, as: Int64.self)),
            maxInFlight: try row.column(5),
            rateLimit: try row.column(6), headerNames: try row.column(7), secrets: try row.column(8),
            createdAt: try row.column(9), updatedAt: try row.column(10))
    }
}

/// Where an endpoint is.
package struct EndpointLocation: Sendable, Equatable {
    package var name: String
    package var url: String
    /// Why workers cannot read it as it is stored; nil when they can.
    package var fault: String?
}

extension EndpointLocation: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        url = try row.column(1)
        fault = try row.column(2)
    }
}
