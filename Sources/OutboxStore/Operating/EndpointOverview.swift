public import Postgres

/// How an endpoint is doing.
public struct EndpointOverview: Sendable {
    /// Its name.
    public var name: String
    /// Whose it is.
    public var tenant: String
    /// Where it is.
    public var url: String
    /// `active`, `paused` or `disabled`.
    public var state: String
    /// Who paused it, or why it was disabled.
    public var stateReason: String?
    /// Patterns of event types.
    public var eventTypes: [String]
    /// Deliveries not tried yet.
    public var pending: Int64
    /// Deliveries leased to a worker.
    public var inFlight: Int64
    /// Deliveries that failed and will be tried again.
    public var retrying: Int64
    /// Deliveries kept while the endpoint is closed.
    public var held: Int64
    /// Dead letters.
    public var deadLetters: Int64
    /// How long the oldest due delivery has been waiting; nil when none is due.
    public var oldestDueAge: Duration?
    /// Attempts that failed since the last one that did not.
    public var consecutiveFailures: Int32
    /// When an attempt last succeeded.
    public var lastSuccessAt: PostgresTimestamp?
    /// When an attempt last failed.
    public var lastFailureAt: PostgresTimestamp?
    /// Whether counting stopped at a limit, so that every count means "at least".
    public var isCapped: Bool
}
