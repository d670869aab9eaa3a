/// What an operator sets about an endpoint. Nil: the default of a new endpoint, or as it is for an existing one.
public struct EndpointSettings: Sendable, Equatable {
    /// Where it is. A new endpoint must have one.
    public var url: String?
    /// Patterns of event types.
    public var eventTypes: [String]?
    /// Waits between attempts.
    public var retrySchedule: [Duration]?
    /// Attempts before a delivery is dead; one more than there are waits, when only the schedule is given.
    public var maxAttempts: Int32?
    /// How long the whole exchange may take.
    public var timeout: Duration?
    /// Deliveries under way at once; 0 for no limit.
    public var maxInFlight: Int32?
    /// Requests a second; 0 for no limit.
    public var rateLimit: Float?
    /// `envelope` or `raw`.
    public var payloadFormat: String?
    /// `Name: value` lines. May hold credentials.
    public var headers: [String]?

    /// Nothing set.
    public init() {}
}
