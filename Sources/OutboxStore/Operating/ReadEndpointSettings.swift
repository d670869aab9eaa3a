public import Postgres

/// How an endpoint is set up, without secrets and without the values of its headers; no row where there is none.
public struct ReadEndpointSettings: PostgresStatement {
    /// The settings.
    public struct Row: Sendable {
        /// Whose it is.
        public var tenant: String
        /// `envelope` or `raw`.
        public var payloadFormat: String
        /// Waits between attempts.
        public var retrySchedule: [Duration]
        /// Attempts before a delivery is dead.
        public var maxAttempts: Int32
        /// How long the whole exchange may take.
        public var timeout: Duration
        /// Deliveries under way at once; nil for no limit.
        public var maxInFlight: Int32?
        /// Requests a second; nil for no limit.
        public var rateLimit: Float?
        /// The names of the headers that are sent along.
        public var headerNames: [String]
        /// How many signing secrets are live.
        public var secrets: Int32
        /// When it was added.
        public var createdAt: PostgresTimestamp
        /// When it was last changed.
        public var updatedAt: PostgresTimestamp
    }

    /// The text of the statement.
    public static let sql = """
        SELECT s.tenant, s.payload_format, s.retry_schedule, s.max_attempts, s.timeout, s.max_in_flight, s.rate_limit,
               s.header_names, s.secrets, s.created_at, s.updated_at
        FROM postrider.endpoint_settings s WHERE s.endpoint = $1
        """

    private let name: String

    /// - Parameter name: of the endpoint.
    public init(name: String) {
        self.name = name
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            tenant: try row.column(0), payloadFormat: try row.column(1), retrySchedule: try row.column(2),
            maxAttempts: try row.column(3), timeout: try row.column(4), maxInFlight: try row.column(5),
            rateLimit: try row.column(6), headerNames: try row.column(7), secrets: try row.column(8),
            createdAt: try row.column(9), updatedAt: try row.column(10))
    }
}
