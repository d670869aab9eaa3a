package import Postgres

/// An event; no row where there is none.
package struct FindEvent: PostgresStatement {
    /// An event.
    package struct Row: Sendable {
        /// Its id.
        package var id: Int64
        /// The id that receivers know it by.
        package var webhookID: String
        /// When it happened.
        package var createdAt: PostgresTimestamp
        /// What happened.
        package var eventType: String
        /// Whose it is.
        package var tenant: String
        /// The one endpoint it is for, if it names one.
        package var endpoint: String?
        /// Events with the same key go in order.
        package var orderingKey: String?
        /// A second event with the same key is not stored.
        package var idempotencyKey: String?
        /// Not before.
        package var deliverAfter: PostgresTimestamp?
        /// Not after.
        package var expiresAt: PostgresTimestamp?
        /// W3C trace context.
        package var traceparent: String?
        /// Names and values in turn.
        package var headers: [String]?
        /// What it carries.
        package var content: EventContent
    }

    /// The text of the statement.
    package static let sql = """
        SELECT o.id, postrider.webhook_id(o.id), o.created_at, o.event_type, o.tenant, o.endpoint, o.ordering_key,
               o.idempotency_key, o.deliver_after, o.expires_at, o.traceparent,
               CASE WHEN o.headers IS NOT NULL
                   THEN ARRAY(SELECT unnest(ARRAY[h.key, h.value]) FROM jsonb_each_text(o.headers) h) END,
               o.payload, o.body, o.content_type
        FROM postrider.outbox o WHERE o.created_at = $2 AND o.id = $1
        """

    private let id: Int64
    private let createdAt: PostgresTimestamp

    /// - Parameters:
    ///   - id: of the event.
    ///   - createdAt: when it happened, to the microsecond: see ``LocateEvent``.
    package init(id: Int64, createdAt: PostgresTimestamp) {
        self.id = id
        self.createdAt = createdAt
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
        parameters.append(createdAt)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            id: try row.column(0), webhookID: try row.column(1), createdAt: try row.column(2),
            eventType: try row.column(3), tenant: try row.column(4), endpoint: try row.column(5),
            orderingKey: try row.column(6), idempotencyKey: try row.column(7), deliverAfter: try row.column(8),
            expiresAt: try row.column(9), traceparent: try row.column(10), headers: try row.column(11),
            content: try EventContent(row, from: 12))
    }
}
