package import Postgres

/// How an endpoint is doing. Each of its deliveries is counted once, in the words of `event_deliveries`.
package struct EndpointOverview: Sendable {
    package var name: String
    package var tenant: String
    package var url: String
    /// `active`, `failing`, `verifying`, `paused` or `disabled`.
    package var state: String
    /// Why it is failing, not verified or disabled, or who paused it.
    package var stateReason: String?
    /// How long ago that was.
    package var stateAge: Duration = .zero
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
    /// Deliveries that wait behind another of their ordering key, which failed or is not due yet.
    package var blocked: Int64 = 0
    /// How many ordering keys these are of.
    package var blockedKeys: Int64 = 0
    /// How old the oldest event of them is.
    package var oldestBlockedAge: Duration?
    package var deadLetters: Int64
    /// How long the oldest due delivery has been waiting; nil when none is due.
    package var oldestDueAge: Duration?
    /// Attempts that failed since the last one that did not.
    package var consecutiveFailures: Int32
    /// How long ago the first of them was.
    package var failingFor: Duration?
    package var lastSuccessAt: PostgresTimestamp?
    package var lastFailureAt: PostgresTimestamp?
    /// What the last attempt that failed has failed with.
    package var lastHTTPStatus: Int32?
    package var lastErrorCode: String?
    package var lastError: String?
    /// Whether counting stopped at a limit, so that counts mean "at least".
    package var isCapped: Bool
    /// When its lane opens again, or its receiver is asked again; nil when it is not closed until a time.
    package var nextProbeAt: PostgresTimestamp?
    /// When it is disabled if it goes on failing; nil as long as that is far away.
    package var disabledAt: PostgresTimestamp?
}

extension EndpointOverview: PostgresRecord {
    /// The columns that ``init(_:)`` reads, of ``tables``.
    static let columns = """
        e.name, e.tenant, u.url, CASE WHEN e.state = 'active' AND k.closures > 0 THEN 'failing' ELSE e.state END,
        CASE WHEN e.state = 'active' AND k.closures > 0 THEN
            m.consecutive_failures || ' failures in a row' || CASE WHEN m.warned > 0
                THEN '; disabled at ' || date_trunc('second', m.failing_since + e.disable_after) ELSE '' END
            ELSE e.state_reason END,
        (extract(epoch FROM clock_timestamp() - e.state_at) * 1000000)::bigint,
        ARRAY(SELECT s.pattern FROM postrider.subscriptions s WHERE s.endpoint_id = e.id ORDER BY s.pattern),
        coalesce(n.pending, 0), coalesce(n.in_flight, 0), coalesce(n.retrying, 0), coalesce(n.held, 0),
        coalesce(n.blocked, 0), coalesce(n.blocked_keys, 0),
        (extract(epoch FROM clock_timestamp() - n.oldest_blocked) * 1000000)::bigint, coalesce(n.dead_letters, 0),
        (extract(epoch FROM clock_timestamp() - n.oldest_due) * 1000000)::bigint, m.consecutive_failures,
        (extract(epoch FROM clock_timestamp() - m.failing_since) * 1000000)::bigint, m.last_success_at, m.last_failure_at,
        m.last_http_status::int, m.last_error_code, m.last_error, coalesce(n.is_capped, false),
        CASE WHEN e.state = 'verifying' THEN e.ask_at WHEN k.open_at < 'infinity' AND (k.open_at > clock_timestamp() OR e.state = 'active' AND k.closures > 0) THEN k.open_at END,
        CASE WHEN m.warned > 0 AND e.state = 'active' THEN date_trunc('second', m.failing_since + e.disable_after) END
        """

    /// Endpoints `l (id)` with what was counted of them, `counted (endpoint_id, pending, …)`.
    static let tables = """
        JOIN postrider.endpoints e ON e.id = l.id
        JOIN postrider.endpoint_urls u ON u.id = e.url_id
        JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
        JOIN postrider.lanes k ON k.endpoint_id = e.id
        LEFT JOIN counted n ON n.endpoint_id = e.id
        """

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        try self.init(row, from: 0)
    }

    /// - Parameter first: the column that ``columns`` begin at.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        self.init(
            name: try row.column(first), tenant: try row.column(first + 1), url: try row.column(first + 2),
            state: try row.column(first + 3), stateReason: try row.column(first + 4),
            stateAge: try row.microseconds(first + 5), eventTypes: try row.column(first + 6),
            pending: try row.column(first + 7), inFlight: try row.column(first + 8),
            retrying: try row.column(first + 9), held: try row.column(first + 10), blocked: try row.column(first + 11),
            blockedKeys: try row.column(first + 12), oldestBlockedAge: try row.microseconds(first + 13),
            deadLetters: try row.column(first + 14), oldestDueAge: try row.microseconds(first + 15),
            consecutiveFailures: try row.column(first + 16), failingFor: try row.microseconds(first + 17),
            lastSuccessAt: try row.column(first + 18), lastFailureAt: try row.column(first + 19),
            lastHTTPStatus: try row.column(first + 20), lastErrorCode: try row.column(first + 21),
            lastError: try row.column(first + 22), isCapped: try row.column(first + 23),
            nextProbeAt: try row.column(first + 24), disabledAt: try row.column(first + 25))
    }
}
