package import Postgres

/// Reads endpoints with their secrets, for sending.
package struct LoadEndpoints: PostgresStatement {
    package let sql = """
        SELECT e.id, l.revision, e.name, e.tenant, u.id, u.url, e.payload_format, e.headers, e.retry_schedule,
               e.max_attempts, l.timeout,
               ARRAY(SELECT s.secret FROM postrider.endpoint_secrets s
                     WHERE s.endpoint_id = e.id AND s.public_key IS NULL AND s.expires_at > now() ORDER BY s.id DESC),
               CASE WHEN 'v1a' = ANY (e.signature) THEN ARRAY(
                   SELECT s.secret FROM postrider.endpoint_secrets s
                   WHERE s.endpoint_id = e.id AND s.public_key IS NOT NULL AND s.expires_at > now() ORDER BY s.id DESC) END,
               e.signature, e.auth, e.client_certificate, e.client_key, e.ca, e.method, e.text,
               e.permanent_status,
               e.filter,
               e.transform,
               e.verify, e.origin, e.rate_limit
        FROM postrider.endpoints e
        JOIN postrider.lanes l ON l.endpoint_id = e.id
        JOIN postrider.endpoint_urls u ON u.id = e.url_id
        WHERE e.id = ANY ($1)
        """

    private let ids: [Int32]

    /// - Parameter ids: which endpoints.
    package init(ids: [Int32]) {
        self.ids = ids
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(ids)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> EndpointRecord {
        var record = EndpointRecord(
            id: try row.column(0), revision: try row.column(1), name: try row.column(2), tenant: try row.column(3),
            urlID: try row.column(4), url: try row.column(5), payloadFormat: try row.column(6),
            headers: try row.column(7), retrySchedule: try row.column(8), maxAttempts: try row.column(9),
            timeout: try row.column(10), secrets: try row.column(11))
        record.signingKeys = try row.column(12, as: [String]?.self) ?? []
        record.signature = try row.column(13)
        record.auth = try row.column(14)
        record.clientCertificate = try row.column(15)
        record.clientKey = try row.column(16)
        record.ca = try row.column(17)
        record.method = try row.column(18)
        record.text = try row.column(19)
        record.permanentStatus = try row.column(20)
        record.filter = try row.column(21)
        record.transform = try row.column(22)
        record.verify = try row.column(23)
        record.origin = try row.column(24)
        record.rateLimit = try row.column(25)
        return record
    }
}

/// The ids of the endpoints that there are, in slices.
package enum EndpointIDs {
    /// A slice, in the order of ids.
    ///
    /// - Parameter after: the last id of the slice before.
    package static func next(after: Int32, limit: Int32) -> PostgresQuery<Int32> {
        PostgresQuery(
            "SELECT e.id FROM postrider.endpoints e WHERE e.id > $1 AND e.state <> 'removed' ORDER BY e.id LIMIT $2",
            after, limit)
    }
}

/// An endpoint as it is stored: what a worker needs to send to it. Nothing in it has been judged yet.
package struct EndpointRecord: Sendable {
    /// Its id.
    package var id: Int32
    /// Which version of its settings this is.
    package var revision: Int32
    /// Its name.
    package var name: String
    package var tenant: String
    /// The URL's id, for the record of attempts.
    package var urlID: Int32
    /// The URL.
    package var url: String
    /// A payload format.
    package var payloadFormat: String
    /// `Name: value` lines. May hold credentials.
    package var headers: [String]
    /// Waits between attempts.
    package var retrySchedule: [Duration]
    /// Attempts before the delivery is dead.
    package var maxAttempts: Int32
    /// How long the whole exchange may take.
    package var timeout: Duration
    /// Live signing secrets, newest first, plain or sealed.
    package var secrets: [String]
    /// Live Ed25519 keys, newest first, plain or sealed; none where no scheme needs them.
    package var signingKeys: [String] = []
    /// The schemes that requests are signed in.
    package var signature = ["v1"]
    /// What the `Authorization` header is made of: a kind, a colon and its credentials, plain or sealed.
    package var auth = "none"
    /// In PEM.
    package var clientCertificate: String?
    /// In PEM, plain or sealed.
    package var clientKey: String?
    /// In PEM.
    package var ca: String?
    package var method = "POST"
    /// What the chat formats say.
    package var text: String?
    /// Statuses after which a delivery is dead at once, such as 404 or 4xx.
    package var permanentStatus: [String] = []
    /// An SQL/JSON path predicate.
    package var filter: String?
    /// The function that makes the bodies, as SQL writes its name.
    package var transform: String?
    /// How its receiver is asked whether it agrees: ``Verification`` as a word.
    package var verify = "none"
    /// As whom it was asked; nil where it was not.
    package var origin: String?
    /// Requests a second; nil for no limit.
    package var rateLimit: Float?

    /// An endpoint that nothing proves itself to but a signature.
    package init(
        id: Int32, revision: Int32, name: String, tenant: String, urlID: Int32, url: String, payloadFormat: String,
        headers: [String], retrySchedule: [Duration], maxAttempts: Int32, timeout: Duration, secrets: [String]
    ) {
        self.id = id
        self.revision = revision
        self.name = name
        self.tenant = tenant
        self.urlID = urlID
        self.url = url
        self.payloadFormat = payloadFormat
        self.headers = headers
        self.retrySchedule = retrySchedule
        self.maxAttempts = maxAttempts
        self.timeout = timeout
        self.secrets = secrets
    }
}
