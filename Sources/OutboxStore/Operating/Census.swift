package import Postgres

/// What all endpoints are owed together, and how many of them are in which trouble. Of all endpoints, however many they are and
/// however many are shown.
package struct Census: Sendable, Equatable {
    /// What is due for longer than this is late; an endpoint that fails for longer, without a success, is failing.
    package static let patience = Duration.seconds(60)
    /// A pause that is older may have been forgotten.
    package static let longPause = Duration.seconds(86_400)

    /// Endpoints that are not removed.
    package var endpoints: Int64 = 0
    package var active: Int64 = 0
    package var paused: Int64 = 0
    package var disabled: Int64 = 0
    /// Active endpoints that have failed for ``patience`` without a success, and are owed something or failed within an hour.
    package var failing: Int64 = 0
    /// Active endpoints with deliveries that are late, and how many of those wait there.
    package var late: Int64 = 0
    package var lateDeliveries: Int64 = 0
    /// Active endpoints with blocked ordering keys, and how many keys.
    package var blockedEndpoints: Int64 = 0
    package var blockedKeys: Int64 = 0
    /// Paused endpoints that hold deliveries, or have been paused for ``longPause``.
    package var forgotten: Int64 = 0
    package var pending: Int64 = 0
    package var inFlight: Int64 = 0
    package var retrying: Int64 = 0
    package var held: Int64 = 0
    package var blocked: Int64 = 0
    package var deadLetters: Int64 = 0
    /// Whether some endpoints have more than was counted, so that totals mean "at least".
    package var isCapped = false
    /// How long the oldest delivery that is due has been waiting, of active endpoints.
    package var oldestDueAge: Duration?
    /// How old the oldest blocked event is.
    package var oldestBlockedAge: Duration?
    /// For how long the endpoint has failed that has failed for longest.
    package var longestFailing: Duration?
    /// For how long the endpoint has been paused that has been for longest.
    package var longestPause: Duration?
    /// Endpoints whose receivers have not agreed yet, and for how long the one that has waited longest.
    package var verifying: Int64 = 0
    package var longestVerifying: Duration?

    package init() {}
}

/// An endpoint of a census, and the whole of it.
package struct CensusRow: Sendable {
    package var census: Census
    package var endpoint: EndpointOverview
    /// The worst trouble that it is in.
    package var trouble: Trouble?

    /// The troubles of an endpoint, the worst first.
    package enum Trouble: Int32, Sendable, CaseIterable {
        case failing = 1
        case disabled, late, blocked, dead, paused
    }
}

extension CensusRow: PostgresRecord {
    /// How many endpoints of each trouble are always among those that a census returns, so that each can be named.
    package static let named = 3

    /// The endpoints in trouble, the worst first, then those that are owed most; each with the totals of all. No row when there are
    /// no endpoints.
    ///
    /// - Parameter limit: the most endpoints that are returned, but for those that can be named.
    package static func query(limit: Int32) -> PostgresQuery<CensusRow> {
        PostgresQuery(
            """
            WITH counted AS MATERIALIZED (SELECT n.* FROM postrider.census() n),
            failing AS MATERIALIZED (
                SELECT e.id, m.failing_since AS since
                FROM postrider.endpoint_marks m
                JOIN postrider.endpoints e ON e.id = m.endpoint_id
                LEFT JOIN counted n ON n.endpoint_id = e.id
                WHERE m.failing_since < now() - $2::interval AND e.state = 'active'
                    -- Where nothing is owed any more and nothing is tried, it is not failing, and its dead letters tell.
                    AND (n.pending + n.in_flight + n.retrying + n.blocked > 0 OR m.last_failure_at > now() - interval '1 h')),
            forgotten AS MATERIALIZED (
                SELECT e.id, e.state_at AS since FROM postrider.endpoints e LEFT JOIN counted n ON n.endpoint_id = e.id
                WHERE e.state = 'paused' AND (n.held > 0 OR e.state_at < now() - $3::interval)),
            -- The worst of each trouble, those that are owed most, and the first by name.
            candidate AS (
                (SELECT f.id, 1 AS trouble, f.since, 0 AS owed FROM failing f ORDER BY f.since LIMIT $1)
                UNION ALL
                (SELECT e.id, 2, e.state_at, 0 FROM postrider.endpoints e WHERE e.state = 'disabled' ORDER BY e.state_at LIMIT $1)
                UNION ALL
                (SELECT n.endpoint_id, 3, n.oldest_due, 0 FROM counted n WHERE n.oldest_due < now() - $2::interval
                 ORDER BY n.oldest_due LIMIT $1)
                UNION ALL
                (SELECT n.endpoint_id, 4, n.oldest_blocked, 0 FROM counted n WHERE n.oldest_blocked < now() - $2::interval
                 ORDER BY n.oldest_blocked LIMIT $1)
                UNION ALL
                (SELECT n.endpoint_id, 5, NULL, n.dead_letters FROM counted n WHERE n.dead_letters > 0
                 ORDER BY n.dead_letters DESC LIMIT $1)
                UNION ALL
                (SELECT f.id, 6, f.since, 0 FROM forgotten f ORDER BY f.since LIMIT $1)
                UNION ALL
                (SELECT n.endpoint_id, 7, NULL, n.pending + n.retrying + n.held + n.blocked FROM counted n
                 ORDER BY n.pending + n.retrying + n.held + n.blocked DESC LIMIT $1)
                UNION ALL
                (SELECT e.id, 7, NULL, 0 FROM postrider.endpoints e WHERE e.state <> 'removed' ORDER BY e.name LIMIT $1)),
            ordered AS MATERIALIZED (
                SELECT w.id, w.trouble, row_number() OVER (PARTITION BY w.trouble ORDER BY w.since, w.owed DESC, e.name) AS nth
                FROM (SELECT DISTINCT ON (c.id) c.id, c.trouble, c.since, c.owed FROM candidate c
                      ORDER BY c.id, c.trouble, c.owed DESC) w
                JOIN postrider.endpoints e ON e.id = w.id AND e.state <> 'removed'),
            shown AS MATERIALIZED (
                SELECT o.id, o.trouble, o.nth FROM ordered o WHERE o.trouble < 7 AND o.nth <= \(named)
                UNION
                (SELECT o.id, o.trouble, o.nth FROM ordered o ORDER BY o.trouble, o.nth LIMIT $1)),
            state AS MATERIALIZED (
                SELECT count(*) AS endpoints, count(*) FILTER (WHERE e.state = 'active') AS active,
                       count(*) FILTER (WHERE e.state = 'paused') AS paused,
                       count(*) FILTER (WHERE e.state = 'disabled') AS disabled,
                       min(e.state_at) FILTER (WHERE e.state = 'paused') AS paused_at,
                       count(*) FILTER (WHERE e.state = 'verifying') AS verifying,
                       min(e.state_at) FILTER (WHERE e.state = 'verifying') AS verifying_at
                FROM postrider.endpoints e WHERE e.state <> 'removed'),
            total AS MATERIALIZED (
                SELECT s.*, (SELECT count(*) FROM failing) AS failing, (SELECT count(*) FROM forgotten) AS forgotten,
                       (SELECT min(f.since) FROM failing f) AS failing_since, n.*
                FROM state s CROSS JOIN (
                    SELECT count(*) FILTER (WHERE n.oldest_due < now() - $2::interval) AS late,
                           coalesce(sum(n.pending + n.retrying) FILTER (WHERE n.oldest_due < now() - $2::interval), 0)::bigint
                               AS late_deliveries,
                           count(*) FILTER (WHERE n.oldest_blocked < now() - $2::interval) AS blocked_endpoints,
                           coalesce(sum(n.blocked_keys) FILTER (WHERE n.oldest_blocked < now() - $2::interval), 0)::bigint
                               AS blocked_keys,
                           coalesce(sum(n.pending), 0)::bigint AS pending, coalesce(sum(n.in_flight), 0)::bigint AS in_flight,
                           coalesce(sum(n.retrying), 0)::bigint AS retrying, coalesce(sum(n.held), 0)::bigint AS held,
                           coalesce(sum(n.blocked), 0)::bigint AS blocked,
                           coalesce(sum(n.dead_letters), 0)::bigint AS dead_letters,
                           coalesce(bool_or(n.is_capped), false) AS is_capped, min(n.oldest_due) AS oldest_due,
                           min(n.oldest_blocked) AS oldest_blocked
                    FROM counted n) n)
            SELECT t.endpoints, t.active, t.paused, t.disabled, t.failing, t.late, t.late_deliveries, t.blocked_endpoints,
                   t.blocked_keys, t.forgotten, t.pending, t.in_flight, t.retrying, t.held, t.blocked, t.dead_letters,
                   t.is_capped, (extract(epoch FROM clock_timestamp() - t.oldest_due) * 1000000)::bigint,
                   (extract(epoch FROM clock_timestamp() - t.oldest_blocked) * 1000000)::bigint,
                   (extract(epoch FROM clock_timestamp() - t.failing_since) * 1000000)::bigint,
                   (extract(epoch FROM clock_timestamp() - t.paused_at) * 1000000)::bigint,
                   t.verifying, (extract(epoch FROM clock_timestamp() - t.verifying_at) * 1000000)::bigint,
                   l.trouble, \(EndpointOverview.columns)
            FROM total t CROSS JOIN shown l
            \(EndpointOverview.tables)
            ORDER BY l.trouble, l.nth
            """, limit, Census.patience, Census.longPause)
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        census = try Census(row)
        trouble = Trouble(rawValue: try row.column(23))
        endpoint = try EndpointOverview(row, from: 24)
    }
}

extension Census {
    fileprivate init(_ row: borrowing PostgresRow) throws(PostgresError) {
        endpoints = try row.column(0)
        active = try row.column(1)
        paused = try row.column(2)
        disabled = try row.column(3)
        failing = try row.column(4)
        late = try row.column(5)
        lateDeliveries = try row.column(6)
        blockedEndpoints = try row.column(7)
        blockedKeys = try row.column(8)
        forgotten = try row.column(9)
        pending = try row.column(10)
        inFlight = try row.column(11)
        retrying = try row.column(12)
        held = try row.column(13)
        blocked = try row.column(14)
        deadLetters = try row.column(15)
        isCapped = try row.column(16)
        oldestDueAge = try row.microseconds(17)
        oldestBlockedAge = try row.microseconds(18)
        longestFailing = try row.microseconds(19)
        longestPause = try row.microseconds(20)
        verifying = try row.column(21)
        longestVerifying = try row.microseconds(22)
    }
}
