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
    ///   - endpoint: this one alone, or those of this name; nil for all.
    ///   - limit: the most endpoints that are returned.
    package static func list(_ endpoint: EndpointReference? = nil, limit: Int32) -> PostgresQuery<EndpointOverview> {
        PostgresQuery(
            """
            WITH named AS MATERIALIZED (
                SELECT e.id FROM postrider.endpoints e WHERE e.state <> 'removed'
                    AND ($1 IS NULL OR e.name = $1) AND ($2 IS NULL OR e.tenant = $2)
                ORDER BY e.name, e.tenant LIMIT $3),
            counted AS MATERIALIZED (
                SELECT n.* FROM (SELECT coalesce(array_agg(l.id), '{}') AS lanes, count(*) AS count FROM named l) l
                CROSS JOIN LATERAL postrider.count_lanes(
                    l.lanes, greatest(\(fewestCounted), least(\(countLimit), \(countBudget) / greatest(1, l.count)))::int) n)
            SELECT \(EndpointOverview.columns)
            FROM named l
            \(EndpointOverview.tables)
            ORDER BY e.name, e.tenant
            """, endpoint?.name, endpoint?.tenant, limit)
    }

    /// How an endpoint is set up, without secrets and without the values of its headers; no row where there is none.
    package static func setup(_ endpoint: EndpointReference) -> PostgresQuery<EndpointSetup> {
        PostgresQuery(
            """
            SELECT \(EndpointSetup.columns)
            FROM postrider.endpoint_settings s WHERE s.endpoint = $1 AND ($2 IS NULL OR s.tenant = $2)
            """, endpoint.name, endpoint.tenant)
    }

    /// The ids of endpoints with a name, at most two; no row where there is none. Removed ones come last, the newest first.
    ///
    /// - Parameter includingRemoved: whether an endpoint counts that was removed: its history is still there.
    package static func find(_ endpoint: EndpointReference, includingRemoved: Bool = false) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            SELECT e.id FROM postrider.endpoints e
            WHERE e.name = $1 AND ($2 IS NULL OR e.tenant = $2) AND ($3 OR e.state <> 'removed')
            ORDER BY (e.state <> 'removed') DESC, e.id DESC LIMIT 2
            """, endpoint.name, endpoint.tenant, includingRemoved)
    }

    /// The names that begin with `prefix`, in order.
    package static func names(beginningWith prefix: String, limit: Int32) -> PostgresQuery<String> {
        PostgresQuery(
            """
            SELECT DISTINCT e.name FROM postrider.endpoints e WHERE starts_with(e.name, $1) AND e.state <> 'removed'
            ORDER BY e.name LIMIT $2
            """, prefix, limit)
    }

    private static let urlLimit = 10_000

    /// Where each endpoint is, and why it cannot be read.
    package static let urls = PostgresQuery<EndpointLocation>(
        """
        SELECT s.endpoint, s.url, s.fault, s.ca FROM postrider.endpoint_settings s ORDER BY s.endpoint LIMIT \(urlLimit)
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
                signature => $13, signing_key => $14, public_key => $15, auth => $16, client_certificate => $17, client_key => $18,
                ca => $19, method => $20, text => $21,
                permanent_status => $22, ordering_failure => $23, breaker => $24, disable_after => $25,
                filter => $26,
                transform => $27,
                "coalesce" => $28,
                verify => $29) r
            """, name, settings.url, settings.eventTypes, secret, tenant, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers,
            settings.signature, settings.signingKey, settings.publicKey, settings.auth, settings.clientCertificate,
            settings.clientKey, settings.ca, settings.method, settings.text,
            settings.permanentStatus, settings.orderingFailure, settings.breaker, settings.disableAfter,
            settings.filter,
            settings.transform,
            settings.coalesce,
            settings.verify)
    }

    /// Changes what is set and leaves the rest.
    package static func update(_ endpoint: EndpointReference, settings: EndpointSettings) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT postrider.update_endpoint(
                name => $1, url => $2, event_types => $3, retry_schedule => $4, max_attempts => $5, timeout => $6,
                max_in_flight => $7, rate_limit => $8, payload_format => $9, headers => $10,
                signature => $11, signing_key => $12, public_key => $13, auth => $14, client_certificate => $15, client_key => $16,
                ca => $17, method => $18, text => $19,
                permanent_status => $20, ordering_failure => $21, breaker => $22, disable_after => $23,
                tenant => $24,
                filter => $25,
                transform => $26,
                "coalesce" => $27,
                verify => $28)
            """, endpoint.name, settings.url, settings.eventTypes, settings.retrySchedule, settings.maxAttempts,
            settings.timeout, settings.maxInFlight, settings.rateLimit, settings.payloadFormat, settings.headers,
            settings.signature, settings.signingKey, settings.publicKey, settings.auth, settings.clientCertificate,
            settings.clientKey, settings.ca, settings.method, settings.text,
            settings.permanentStatus, settings.orderingFailure, settings.breaker, settings.disableAfter,
            endpoint.tenant,
            settings.filter,
            settings.transform,
            settings.coalesce,
            settings.verify)
    }

    /// Keeps what is owed to an endpoint.
    package static func pause(_ endpoint: EndpointReference) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.pause_endpoint($1, $2)", endpoint.name, endpoint.tenant)
    }

    /// Sends to an endpoint again.
    package static func resume(_ endpoint: EndpointReference) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.resume_endpoint($1, $2)", endpoint.name, endpoint.tenant)
    }

    /// Removes an endpoint and returns how many deliveries were cancelled.
    package static func remove(_ endpoint: EndpointReference) -> PostgresQuery<Int32> {
        PostgresQuery("SELECT postrider.remove_endpoint($1, $2)", endpoint.name, endpoint.tenant)
    }

    // rotate_secret returns the secret, which need not travel back.
    /// Gives an endpoint a new signing secret; the old ones sign along for a while.
    ///
    /// - Parameters:
    ///   - secret: `whsec_…`, or sealed.
    ///   - key: for `v1a`, where the endpoint is signed so.
    ///   - grace: how long the old secrets go on signing.
    package static func rotateSecret(
        _ endpoint: EndpointReference, secret: String, key: StoredSigningKey?, grace: Duration
    ) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT count(r) FROM postrider.rotate_secret(
                name => $1, secret => $2, grace => $3, signing_key => $4, public_key => $5, tenant => $6) r
            """, endpoint.name, secret, grace, key?.text, key?.publicKey, endpoint.tenant)
    }

    /// The schemes that an endpoint is signed in, with its tenant; no row where there is none.
    package static func signing(_ id: Int32) -> PostgresQuery<EndpointSigning> {
        PostgresQuery("SELECT e.tenant, e.signature FROM postrider.endpoints e WHERE e.id = $1", id)
    }
}

/// How an endpoint is signed.
package struct EndpointSigning: Sendable, PostgresRecord {
    package let tenant: String
    /// The schemes.
    package let signature: [String]

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        tenant = try row.column(0)
        signature = try row.column(1)
    }
}

/// Where an endpoint is.
package struct EndpointLocation: Sendable, Equatable {
    package var name: String
    package var url: String
    /// Why workers cannot read it as it is stored; nil when they can.
    package var fault: String?
    /// The authorities that it is trusted by instead of the usual ones, in PEM.
    package var ca: String?
}

extension EndpointLocation: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        url = try row.column(1)
        fault = try row.column(2)
        ca = try row.column(3)
    }
}
