package import Postgres

/// How an endpoint is doing.
package struct EndpointOverview: Sendable {
    /// Its name.
    package var name: String
    /// Whose it is.
    package var tenant: String
    /// Where it is.
    package var url: String
    /// `active`, `paused` or `disabled`.
    package var state: String
    /// Who paused it, or why it was disabled.
    package var stateReason: String?
    /// Patterns of event types.
    package var eventTypes: [String]
    /// Deliveries not tried yet.
    package var pending: Int64
    /// Deliveries leased to a worker.
    package var inFlight: Int64
    /// Deliveries that failed and will be tried again.
    package var retrying: Int64
    /// Deliveries kept while the endpoint is closed.
    package var held: Int64
    /// Dead letters.
    package var deadLetters: Int64
    /// How long the oldest due delivery has been waiting; nil when none is due.
    package var oldestDueAge: Duration?
    /// Attempts that failed since the last one that did not.
    package var consecutiveFailures: Int32
    /// When an attempt last succeeded.
    package var lastSuccessAt: PostgresTimestamp?
    /// When an attempt last failed.
    package var lastFailureAt: PostgresTimestamp?
    /// Whether counting stopped at a limit, so that every count means "at least".
    package var isCapped: Bool
}
