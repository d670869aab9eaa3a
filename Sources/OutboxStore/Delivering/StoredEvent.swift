package import Postgres

/// An event as a producer wrote it.
package struct StoredEvent: Sendable {
    /// Its id.
    package var id: Int64
    /// When its transaction began.
    package var createdAt: PostgresTimestamp
    /// The id that receivers see, the same on every attempt.
    package var webhookID: String
    /// The dotted name.
    package var eventType: String
    /// The bytes of the payload, or of the body.
    package var content: [UInt8]
    /// Set when the event was written with a body instead of a payload; empty when the producer gave none.
    package var bodyContentType: String?
    /// Extra request headers, name and value in turn.
    package var headers: [String]
    /// W3C trace context.
    package var traceparent: String?
    /// Time left until the event expires; nil when it never does.
    package var expiresIn: Duration?
}
