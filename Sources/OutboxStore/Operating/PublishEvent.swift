public import Postgres

/// Publishes an event, in a transaction of its own.
public struct PublishEvent: PostgresStatement {
    /// What was stored.
    public struct Row: Sendable {
        /// The event's id.
        public var event: Int64
        /// The id that receivers know it by.
        public var webhookID: String
        /// Whether an earlier event had the same idempotency key, so that nothing was stored.
        public var isReused: Bool
    }

    /// An event to be published.
    public struct Event: Sendable {
        /// What happened.
        public var eventType: String
        /// JSON; nil when there is a body.
        public var payload: [UInt8]?
        /// Bytes of some other kind; nil when there is a payload.
        public var body: [UInt8]?
        /// What kind of bytes.
        public var contentType: String?
        /// Events with the same key go in order.
        public var orderingKey: String?
        /// A second event with the same key is not stored.
        public var idempotencyKey: String?
        /// The one endpoint it is for.
        public var endpoint: String?
        /// Whose it is.
        public var tenant = ""
        /// A JSON object of names and values.
        public var headers: [UInt8]?
        /// Not before.
        public var deliverAfter: PostgresTimestamp?
        /// Not after.
        public var expiresAt: PostgresTimestamp?
        /// W3C trace context.
        public var traceparent: String?

        /// An event of a type, without content yet.
        public init(eventType: String) {
            self.eventType = eventType
        }
    }

    /// The text of the statement.
    public static let sql = """
        SELECT p.event_id, p.webhook_id, p.reused
        FROM postrider.publish(
            event_type => $1, payload => $2, body => $3, content_type => $4, ordering_key => $5, idempotency_key => $6,
            endpoint => $7, tenant => $8, headers => $9, deliver_after => $10, expires_at => $11, traceparent => $12) p
        """

    private let event: Event

    /// - Parameter event: as it is to be stored.
    public init(_ event: Event) {
        self.event = event
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event.eventType)
        parameters.append(event.payload.map { PostgresJSON($0) })
        parameters.append(event.body)
        parameters.append(event.contentType)
        parameters.append(event.orderingKey)
        parameters.append(event.idempotencyKey)
        parameters.append(event.endpoint)
        parameters.append(event.tenant)
        parameters.append(event.headers.map { PostgresJSONB($0) })
        parameters.append(event.deliverAfter)
        parameters.append(event.expiresAt)
        parameters.append(event.traceparent)
    }

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(event: try row.column(0), webhookID: try row.column(1), isReused: try row.column(2))
    }
}
