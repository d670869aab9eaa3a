package import Postgres

/// What operators ask about endpoints, and what they do to them.
///
/// What names an endpoint fails with `no_data_found` where there is none of that name, unless it says otherwise.
package enum Endpoints {
    /// Where counting stops for each endpoint. For many at once it is less: `postrider.census` says how much.
    package static let countLimit = 100_000

    /// How many rows are read to count what is owed to the endpoints of a list, and the fewest for each.
    private static let countBudget = 300_000
    private static let fewestCounted = 300

    /// Endpoints with what is owed to them, by name. Each is counted by itself, up to a limit: no operator should have to wait for
    /// an exact count of millions, and none should hide what others are owed.
    ///
    /// - Parameters:
    ///   - name: this endpoint alone; nil for all.
    ///   - limit: the most endpoints that are returned.
    package static func list(name: String? = nil, limit: Int32) -> PostgresQuery<EndpointOverview> {
        PostgresQuery(
            """
            WITH named AS MATERIALIZED (
                SELECT e.id FROM postrider.endpoints e WHERE e.state <> 'removed' AND ($1 IS NULL OR e.name = $1)
                ORDER BY e.name LIMIT $2),
            counted AS MATERIALIZED (
                SELECT n.* FROM (SELECT coalesce(array_agg(l.id), '{}') AS lanes, count(*) AS count FROM named l) l
                CROSS JOIN LATERAL postrider.count_lanes(
                    l.lanes, greatest(\(fewestCounted), least(\(countLimit), \(countBudget) / greatest(1, l.count)))::int) n)
            SELECT \(EndpointOverview.columns)
            FROM named l
            \(EndpointOverview.tables)
            ORDER BY e.name
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
                   s.header_names, s.secrets, s.created_at, s.updated_at,
                   s.permanent_status, s.ordering_failure, s.breaker,
                   CASE WHEN s.disable_after IS NOT NULL THEN \(microseconds("s.disable_after")) END
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
                headers => coalesce($12, '{}'),
                permanent_status => $13, ordering_failure => $14, breaker => $15, disable_after => $16) r
            """, name, settings.url, settings.eventTypes, secret, tenant, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers,
            settings.permanentStatus, settings.orderingFailure, settings.breaker, settings.disableAfter)
    }

    /// Changes what is set and leaves the rest.
    package static func update(_ name: String, settings: EndpointSettings) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT postrider.update_endpoint(
                name => $1, url => $2, event_types => $3, retry_schedule => $4, max_attempts => $5, timeout => $6,
                max_in_flight => $7, rate_limit => $8, payload_format => $9, headers => $10,
                permanent_status => $11, ordering_failure => $12, breaker => $13, disable_after => $14)
            """, name, settings.url, settings.eventTypes, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers,
            settings.permanentStatus, settings.orderingFailure, settings.breaker, settings.disableAfter)
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
    /// Statuses after which a delivery is dead at once, such as 404 or 4xx.
    package var permanentStatus: [String]?
    /// ``OrderingFailure`` as a word.
    package var orderingFailure: String?
    /// Whether its lane closes while it fails.
    package var breaker: Bool?
    /// How long it may fail before it is disabled, as PostgreSQL reads it; or `never`.
    package var disableAfter: String?

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
    /// Statuses after which a delivery is dead at once.
    package var permanentStatus: [String]
    package var orderingFailure: String
    package var breaker: Bool
    /// How long it may fail before it is disabled; nil for ever.
    package var disableAfter: Duration?
}

extension EndpointSetup: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            tenant: try row.column(0), payloadFormat: try row.column(1),
            retrySchedule: try row.column(2, as: [Int64].self).map { .microseconds($0) },
            maxAttempts: try row.column(3), timeout: .microseconds(try row.column(4, as: Int64.self)),
            maxInFlight: try row.column(5),
            rateLimit: try row.column(6), headerNames: try row.column(7), secrets: try row.column(8),
            createdAt: try row.column(9), updatedAt: try row.column(10), permanentStatus: try row.column(11),
            orderingFailure: try row.column(12), breaker: try row.column(13),
            disableAfter: try row.column(14, as: Int64?.self).map { .microseconds($0) })
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
