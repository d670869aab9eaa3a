package import Postgres

/// Registers an endpoint and returns its id.
package struct RegisterEndpoint: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
        SELECT r.endpoint_id
        FROM postrider.register_endpoint(
            name => $1, url => $2, event_types => coalesce($3, '{*}'), secret => $4, tenant => $5,
            retry_schedule => $6, max_attempts => $7, timeout => $8, max_in_flight => nullif($9, 0),
            rate_limit => nullif($10, 0), payload_format => coalesce($11, 'envelope'),
            headers => coalesce($12, '{}')) r
        """

    private let name: String
    private let tenant: String
    private let secret: String
    private let settings: EndpointSettings

    /// - Parameter secret: `whsec_…`, or sealed.
    package init(name: String, tenant: String, secret: String, settings: EndpointSettings) {
        self.name = name
        self.tenant = tenant
        self.secret = secret
        self.settings = settings
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(settings.url)
        parameters.append(settings.eventTypes)
        parameters.append(secret)
        parameters.append(tenant)
        parameters.append(settings.retrySchedule)
        parameters.append(settings.maxAttempts)
        parameters.append(settings.timeout)
        parameters.append(settings.maxInFlight)
        parameters.append(settings.rateLimit)
        parameters.append(settings.payloadFormat)
        parameters.append(settings.headers)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
