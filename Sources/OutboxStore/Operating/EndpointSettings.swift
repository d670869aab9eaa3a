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
    /// Deliveries in flight at once; 0 for no limit.
    package var maxInFlight: Int32?
    /// Requests a second; 0 for no limit.
    package var rateLimit: Float?
    /// A payload format.
    package var payloadFormat: String?
    /// `Name: value` lines. May hold credentials.
    package var headers: [String]?
    /// The schemes that requests are signed in.
    package var signature: [String]?
    /// `whsk_…` or sealed, for an endpoint that begins to be signed with `v1a`.
    package var signingKey: String?
    /// `whpk_…`, the public half of that key.
    package var publicKey: String?
    /// A kind, a colon and its credentials, plain or sealed.
    package var auth: String?
    /// In PEM; empty for none.
    package var clientCertificate: String?
    /// In PEM, plain or sealed; empty for none.
    package var clientKey: String?
    /// In PEM; empty for the usual authorities.
    package var ca: String?
    package var method: String?
    /// What the chat formats say; empty for the type of the event.
    package var text: String?
    /// Statuses after which a delivery is dead at once, such as 404 or 4xx.
    package var permanentStatus: [String]?
    /// ``OrderingFailure`` as a word.
    package var orderingFailure: String?
    /// Whether its lane closes while it fails.
    package var breaker: Bool?
    /// How long it may fail before it is disabled, as PostgreSQL reads it; or `never`.
    package var disableAfter: String?
    /// An SQL/JSON path predicate; empty for none.
    package var filter: String?
    /// `schema.name` of a function; empty for none.
    package var transform: String?
    /// Whether of an ordering key only the newest event goes.
    package var coalesce: Bool?
    /// How its receiver is asked whether it agrees: ``Verification`` as a word.
    package var verify: String?

    package init() {}

    package mutating func take(_ key: StoredSigningKey) {
        signingKey = key.text
        publicKey = key.publicKey
    }
}

/// An Ed25519 key as it is stored.
package struct StoredSigningKey: Sendable {
    /// `whsk_…` or sealed.
    package let text: String
    /// `whpk_…`.
    package let publicKey: String

    package init(text: String, publicKey: String) {
        self.text = text
        self.publicKey = publicKey
    }
}
