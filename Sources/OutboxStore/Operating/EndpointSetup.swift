package import Postgres

/// How an endpoint is set up.
package struct EndpointSetup: Sendable {
    package var tenant: String
    /// A payload format.
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
    /// When the newest of them was made here; nil when there is none.
    package var newestSecretAt: PostgresTimestamp?
    package var createdAt: PostgresTimestamp
    package var updatedAt: PostgresTimestamp
    /// The schemes that requests are signed in.
    package var signature: [String]
    /// The public halves of the live Ed25519 keys, newest first.
    package var publicKeys: [String]
    /// The kind alone.
    package var auth: String
    /// In PEM.
    package var clientCertificate: String?
    /// In PEM.
    package var ca: String?
    package var method: String
    package var text: String?
    /// Statuses after which a delivery is dead at once.
    package var permanentStatus: [String]
    package var orderingFailure: String
    package var breaker: Bool
    /// How long it may fail before it is disabled; nil for ever.
    package var disableAfter: Duration?
    /// An SQL/JSON path predicate.
    package var filter: String?
    /// The function that makes the bodies.
    package var transform: String?
    /// Whether of an ordering key only the newest event goes.
    package var coalesce: Bool
    /// How its receiver is asked whether it agrees: ``Verification`` as a word.
    package var verify = "none"
    /// When it agreed; nil while it has not.
    package var verifiedAt: PostgresTimestamp?
    /// The most requests a second that it agreed to.
    package var allowedRate: Float?
    /// What the customer calls it who registered it by the API.
    package var description: String?
}

extension EndpointSetup: PostgresRecord {
    /// The columns that ``init(_:)`` reads, of `postrider.endpoint_settings s`.
    static let columns = """
        s.tenant, s.payload_format,
        ARRAY(SELECT \(microseconds("w.length"))
              FROM unnest(s.retry_schedule) WITH ORDINALITY AS w (length, place) ORDER BY w.place),
        s.max_attempts, \(microseconds("s.timeout")), s.max_in_flight, s.rate_limit,
        s.header_names, s.secrets, s.newest_secret_at, s.created_at, s.updated_at,
        s.signature, s.public_keys, s.auth, s.client_certificate, s.ca, s.method, s.text,
        s.permanent_status, s.ordering_failure, s.breaker,
        CASE WHEN s.disable_after IS NOT NULL THEN \(microseconds("s.disable_after")) END,
        s.filter,
        s.transform,
        s."coalesce",
        s.verify, s.verified_at, s.allowed_rate,
        s.description
        """

    /// SQL for a length of time that fails for no value: a month counts as 30 days, and what no screen could show
    /// is cut off at thirty thousand years.
    private static func microseconds(_ interval: String) -> String {
        "(least(greatest(extract(epoch FROM \(interval)), -1e12), 1e12) * 1000000)::bigint"
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        try self.init(row, from: 0)
    }

    /// - Parameter first: the column that ``columns`` begin at.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        self.init(
            tenant: try row.column(first), payloadFormat: try row.column(first + 1),
            retrySchedule: try row.column(first + 2, as: [Int64].self).map { .microseconds($0) },
            maxAttempts: try row.column(first + 3), timeout: .microseconds(try row.column(first + 4, as: Int64.self)),
            maxInFlight: try row.column(first + 5), rateLimit: try row.column(first + 6),
            headerNames: try row.column(first + 7), secrets: try row.column(first + 8),
            newestSecretAt: try row.column(first + 9), createdAt: try row.column(first + 10),
            updatedAt: try row.column(first + 11), signature: try row.column(first + 12),
            publicKeys: try row.column(first + 13), auth: try row.column(first + 14),
            clientCertificate: try row.column(first + 15), ca: try row.column(first + 16),
            method: try row.column(first + 17), text: try row.column(first + 18),
            permanentStatus: try row.column(first + 19), orderingFailure: try row.column(first + 20),
            breaker: try row.column(first + 21),
            disableAfter: try row.column(first + 22, as: Int64?.self).map { .microseconds($0) },
            filter: try row.column(first + 23),
            transform: try row.column(first + 24),
            coalesce: try row.column(first + 25),
            verify: try row.column(first + 26), verifiedAt: try row.column(first + 27),
            allowedRate: try row.column(first + 28),
            description: try row.column(first + 29))
    }
}
