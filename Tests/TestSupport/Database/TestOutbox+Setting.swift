package import Postgres

extension TestOutbox {
    /// Publishes an event and returns its id.
    ///
    /// - Parameters:
    ///   - deliverAfter: how long from now, as an interval.
    ///   - expiresAfter: how long from now, as an interval.
    @discardableResult
    package func publish(
        _ type: String = "order.paid", _ payload: String = "{}", key: String? = nil, endpoint: String? = nil,
        tenant: String = "", deliverAfter: String? = nil, expiresAfter: String? = nil
    ) async throws -> Int64 {
        try await number(
            """
            SELECT event_id FROM postrider.publish($1, $2::json, ordering_key => $3, endpoint => $4, tenant => $5,
                deliver_after => now() + $6::interval, expires_at => now() + $7::interval)
            """, type, payload, key, endpoint, tenant, deliverAfter, expiresAfter)
    }

    /// Publishes many events of type `order.paid` in one statement.
    ///
    /// - Parameter keys: how many ordering keys they have in turn; none where it is 0.
    package func publish(count: Int, keys: Int = 0) async throws {
        try await query(
            """
            INSERT INTO postrider.outbox (event_type, payload, ordering_key)
            SELECT 'order.paid', '{"order_id": 42, "total": 19.90}', 'key ' || n % nullif($2::int, 0)
            FROM generate_series(1, $1::int) AS n
            """, String(count), String(keys))
    }

    /// Registers an endpoint, lets its subscriptions take effect and returns its id.
    @discardableResult
    package func registerEndpoint(
        _ name: String = "shop", types: [String] = ["*"], tenant: String = "", timeout: String = "15 s",
        maxInFlight: Int? = nil, rateLimit: Double? = nil
    ) async throws -> Int32 {
        let id = try await number(
            """
            SELECT endpoint_id FROM postrider.register_endpoint($1, 'https://' || $1 || '.example/hooks', $2::text[],
                tenant => $3, timeout => $4::interval, max_in_flight => $5::int, rate_limit => $6::real)
            """, name, "{\(types.joined(separator: ","))}", tenant, timeout, maxInFlight.map(String.init),
            rateLimit.map { String($0) })
        try await query("SELECT postrider.keep_subscriptions()")
        return Int32(truncatingIfNeeded: id)
    }

    /// Ends all leases, as if their time were over.
    package func lapseLeases() async throws(PostgresError) {
        try await query("UPDATE postrider.lanes SET lapse_at = now() - interval '1 s' WHERE lapse_at IS NOT NULL")
        try await query(
            "UPDATE postrider.deliveries SET lease_until = now() - interval '1 s' WHERE lease_until > now() - interval '1 s'"
        )
    }

    /// Makes every retry due now.
    package func elapseDelays() async throws(PostgresError) {
        try await query(
            "UPDATE postrider.deliveries SET due_at = clock_timestamp() WHERE due_at > now() AND due_at < 'infinity'")
    }

    /// Lets a duty be taken again at once.
    package func renewDuty(_ duty: String) async throws(PostgresError) {
        try await query("UPDATE postrider.duties SET last_at = '-infinity' WHERE duty = $1", duty)
    }

    /// Drops all daily partitions, so that what comes goes to the DEFAULT ones.
    package func dropPartitions() async throws(PostgresError) {
        try await script(
            """
            DO $$ DECLARE part text; BEGIN
                FOR part IN SELECT d.name FROM postrider.daily_partitions() d LOOP
                    EXECUTE format('DROP TABLE postrider.%I', part);
                END LOOP;
            END $$
            """)
    }

    /// A worker on a connection of its own; close that afterwards.
    package func worker(_ id: Int32) async throws -> TestWorker { TestWorker(id: id, connection: try await connect()) }

    /// A worker on the connection of this outbox.
    package func ownWorker(_ id: Int32 = 1) -> TestWorker { TestWorker(id: id, connection: connection) }
}
