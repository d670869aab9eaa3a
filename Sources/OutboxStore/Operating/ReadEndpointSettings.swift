package import Postgres

/// How an endpoint is set up, without secrets and without the values of its headers; no row where there is none.
package struct ReadEndpointSettings: PostgresStatement {
    /// The settings.
    package struct Row: Sendable {
        /// Whose it is.
        package var tenant: String
        /// `envelope` or `raw`.
        package var payloadFormat: String
        /// Waits between attempts.
        package var retrySchedule: [Duration]
        /// Attempts before a delivery is dead.
        package var maxAttempts: Int32
        /// How long the whole exchange may take.
        package var timeout: Duration
        /// Deliveries under way at once; nil for no limit.
        package var maxInFlight: Int32?
        /// Requests a second; nil for no limit.
        package var rateLimit: Float?
        /// The names of the headers that are sent along.
        package var headerNames: [String]
        /// How many signing secrets are live.
        package var secrets: Int32
        /// When it was added.
        package var createdAt: PostgresTimestamp
        /// When it was last changed.
        package var updatedAt: PostgresTimestamp
    }

    /// The text of the statement.
    package static let sql = """
        SELECT s.tenant, s.payload_format, s.retry_schedule, s.max_attempts, s.timeout, s.max_in_flight, s.rate_limit,
               s.header_names, s.secrets, s.created_at, s.updated_at
        FROM postrider.endpoint_settings s WHERE s.endpoint = $1
        """

    private let name: String

    /// - Parameter name: of the endpoint.
    package init(name: String) {
        self.name = name
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            tenant: try row.column(0), payloadFormat: try row.column(1), retrySchedule: try row.column(2),
            maxAttempts: try row.column(3), timeout: try row.column(4), maxInFlight: try row.column(5),
            rateLimit: try row.column(6), headerNames: try row.column(7), secrets: try row.column(8),
            createdAt: try row.column(9), updatedAt: try row.column(10))
    }
}
