/// Text that a person wrote — on the command line, in the configuration, in a row — and that breaks a rule.
package struct InvalidText: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the text was to be.
    package enum Concept: String, CaseIterable, Sendable {
        /// An IP address.
        case address
        /// A network in CIDR form.
        case network
        /// A length of time.
        case duration
        /// A list of waits between attempts.
        case retrySchedule = "retry_schedule"
        /// The number of attempts a delivery may take.
        case maxAttempts = "max_attempts"
        /// The name of an endpoint.
        case endpointName = "endpoint_name"
        /// The type of an event.
        case eventType = "event_type"
        /// What a subscription matches event types with.
        case eventTypePattern = "event_type_pattern"
        /// How an event becomes a request body.
        case payloadFormat = "payload_format"
        /// The media type of an event's body.
        case contentType = "content_type"
    }

    /// What the text was to be.
    package let concept: Concept
    /// One line for a person: which part breaks which rule. It quotes at most an escaped excerpt.
    package let message: String

    /// The message.
    package var description: String { message }

    package init(_ concept: Concept, _ message: String) {
        self.concept = concept
        self.message = message
    }
}
