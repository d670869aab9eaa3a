/// What an operator sets about an endpoint. Nil: the default of a new endpoint, or as it is for an existing one.
package struct EndpointSettings: Sendable, Equatable {
    /// Where it is. A new endpoint must have one.
    package var url: String?
    /// Patterns of event types.
    package var eventTypes: [String]?
    /// Waits between attempts.
    package var retrySchedule: [Duration]?
    /// Attempts before a delivery is dead; one more than there are waits, when only the schedule is given.
    package var maxAttempts: Int32?
    /// How long the whole exchange may take.
    package var timeout: Duration?
    /// Deliveries under way at once; 0 for no limit.
    package var maxInFlight: Int32?
    /// Requests a second; 0 for no limit.
    package var rateLimit: Float?
    /// `envelope` or `raw`.
    package var payloadFormat: String?
    /// `Name: value` lines. May hold credentials.
    package var headers: [String]?

    /// Nothing set.
    package init() {}
}
