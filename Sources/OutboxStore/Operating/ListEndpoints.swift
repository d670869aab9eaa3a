package import Postgres

/// Endpoints with what is owed to them, by name.
///
/// Counts at most a hundred thousand deliveries and as many dead letters over all endpoints, in whatever order they are
/// stored: nobody should have to wait for an exact count of millions.
package struct ListEndpoints: PostgresStatement {
    /// How many deliveries, and how many dead letters, are counted.
    package static let countLimit = 100_000

    // now() can bound an index scan, clock_timestamp() cannot.
    /// The text of the statement.
    package static let sql = """
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
        """

    private let name: String?
    private let limit: Int32

    /// - Parameters:
    ///   - name: this endpoint alone; nil for all.
    ///   - limit: the most endpoints that are returned.
    package init(name: String? = nil, limit: Int32) {
        self.name = name
        self.limit = limit
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(limit)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EndpointOverview {
        let age: Int64? = try row.column(11)
        return EndpointOverview(
            name: try row.column(0), tenant: try row.column(1), url: try row.column(2), state: try row.column(3),
            stateReason: try row.column(4), eventTypes: try row.column(5), pending: try row.column(6),
            inFlight: try row.column(7), retrying: try row.column(8), held: try row.column(9),
            deadLetters: try row.column(10), oldestDueAge: age.map { .microseconds($0) },
            consecutiveFailures: try row.column(12), lastSuccessAt: try row.column(13),
            lastFailureAt: try row.column(14), isCapped: try row.column(15))
    }
}
