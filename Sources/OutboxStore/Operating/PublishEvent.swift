package import Postgres

/// Publishes an event, in a transaction of its own.
package struct PublishEvent: PostgresStatement {
    /// What was stored.
    package struct Row: Sendable {
        /// The event's id.
        package var event: Int64
        /// The id that receivers know it by.
        package var webhookID: String
        /// Whether an earlier event had the same idempotency key, so that nothing was stored.
        package var isReused: Bool
    }

    /// An event to be published.
    package struct Event: Sendable {
        /// What happened.
        package var eventType: String
        /// JSON; nil when there is a body.
        package var payload: [UInt8]?
        /// Bytes of some other kind; nil when there is a payload.
        package var body: [UInt8]?
        /// What kind of bytes.
        package var contentType: String?
        /// Events with the same key go in order.
        package var orderingKey: String?
        /// A second event with the same key is not stored.
        package var idempotencyKey: String?
        /// The one endpoint it is for.
        package var endpoint: String?
        /// Whose it is.
        package var tenant = ""
        /// A JSON object of names and values.
        package var headers: [UInt8]?
        /// Not before.
        package var deliverAfter: PostgresTimestamp?
        /// Not after.
        package var expiresAt: PostgresTimestamp?
        /// W3C trace context.
        package var traceparent: String?

        /// An event of a type, without content yet.
        package init(eventType: String) {
            self.eventType = eventType
        }
    }

    /// The text of the statement.
    package static let sql = """
        SELECT p.event_id, p.webhook_id, p.reused
        FROM postrider.publish(
            event_type => $1, payload => $2, body => $3, content_type => $4, ordering_key => $5, idempotency_key => $6,
            endpoint => $7, tenant => $8, headers => $9, deliver_after => $10, expires_at => $11, traceparent => $12) p
        """

    private let event: Event

    /// - Parameter event: as it is to be stored.
    package init(_ event: Event) {
        self.event = event
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
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
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(event: try row.column(0), webhookID: try row.column(1), isReused: try row.column(2))
    }
}
