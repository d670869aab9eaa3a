package import Postgres

/// Changes what is set and leaves the rest. Fails with `no_data_found` where there is no such endpoint.
package struct UpdateEndpoint: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = """
        SELECT postrider.update_endpoint(
            name => $1, url => $2, event_types => $3, retry_schedule => $4, max_attempts => $5, timeout => $6,
            max_in_flight => $7, rate_limit => $8, payload_format => $9, headers => $10)
        """

    private let name: String
    private let settings: EndpointSettings

    /// - Parameter name: of the endpoint.
    package init(name: String, settings: EndpointSettings) {
        self.name = name
        self.settings = settings
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(settings.url)
        parameters.append(settings.eventTypes)
        parameters.append(settings.retrySchedule)
        parameters.append(settings.maxAttempts)
        parameters.append(settings.timeout)
        parameters.append(settings.maxInFlight)
        parameters.append(settings.rateLimit)
        parameters.append(settings.payloadFormat)
        parameters.append(settings.headers)
    }
}
