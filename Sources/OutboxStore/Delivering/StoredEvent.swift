public import Postgres

/// An event as a producer wrote it.
public struct StoredEvent: Sendable {
    /// Its id.
    public var id: Int64
    /// When its transaction began.
    public var createdAt: PostgresTimestamp
    /// The id that receivers see, the same on every attempt.
    public var webhookID: String
    /// The dotted name.
    public var eventType: String
    /// The bytes of the payload, or of the body.
    public var content: [UInt8]
    /// Set when the event was written with a body instead of a payload; empty when the producer gave none.
    public var bodyContentType: String?
    /// Extra request headers, name and value in turn.
    public var headers: [String]
    /// W3C trace context.
    public var traceparent: String?
    /// Time left until the event expires; nil when it never does.
    public var expiresIn: Duration?
}
