package import Postgres

/// Reads events for an endpoint that has a filter, a transform or both, and does what they ask. See `postrider.shape` in the migrations.
package struct ShapeEvents: PostgresStatement {
    package let sql = """
        SELECT s.place, s.id, s.created_at, s.webhook_id, s.event_type, s.payload, s.body, s.content_type, s.headers, s.traceparent,
               s.expires_us, s.is_ordered, s.made, s.filtered, s.failed
        FROM postrider.shape($1, $2, $3, $4, $5, $6) s
        """
    package let isQualified = true

    private let endpoint: Int32
    private let events: [EventKey]
    private let filter: String?
    private let transform: String?
    private let budget: Duration

    /// - Parameters:
    ///   - events: which ones, in the order in which they are to be done.
    ///   - budget: how long the database goes on with further events.
    package init(_ events: [EventKey], for endpoint: Int32, filter: String?, transform: String?, budget: Duration) {
        self.events = events
        self.endpoint = endpoint
        self.filter = filter
        self.transform = transform
        self.budget = budget
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(endpoint)
        parameters.append(events.map(\.createdAt))
        parameters.append(events.map(\.id))
        parameters.append(filter)
        parameters.append(transform)
        parameters.append(budget)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> ShapedEvent {
        let place = Int(try row.column(0, as: Int32.self)) - 1
        guard events.indices.contains(place) else {
            throw PostgresError(.unexpectedValue, "an event has the place \(place)")
        }
        guard let id = try row.column(1, as: Int64?.self) else {
            return ShapedEvent(key: events[place], result: .missing)
        }
        let made: String? = try row.column(12)
        let payload: PostgresJSON? = try row.column(5)
        let body: [UInt8]? = try row.column(6)
        let expiry: Int64? = try row.column(10)
        var event = StoredEvent(
            id: id, createdAt: try row.column(2), webhookID: try row.column(3), eventType: try row.column(4),
            content: made.map { Array($0.utf8) } ?? payload?.bytes ?? body ?? [],
            bodyContentType: try row.column(7), headers: try row.column(8, as: [String]?.self) ?? [],
            traceparent: try row.column(9), expiresIn: expiry.map { .microseconds($0) }, isOrdered: try row.column(11))
        event.isMade = made != nil
        if let why = try row.column(13, as: String?.self) {
            return ShapedEvent(key: event.key, result: .filtered(event, why))
        }
        if let why = try row.column(14, as: String?.self) {
            return ShapedEvent(key: event.key, result: .failed(event, why))
        }
        return ShapedEvent(key: event.key, result: .passed(event))
    }
}

/// What a filter and a transform say of an event.
package struct ShapedEvent: Sendable {
    package enum Result: Sendable {
        /// The event is not there any more.
        case missing
        /// It is to be sent; where a transform made its body, that is its content.
        case passed(StoredEvent)
        /// It is not to be sent, and why.
        case filtered(StoredEvent, String)
        /// The filter or the transform failed, and with what.
        case failed(StoredEvent, String)
    }

    package let key: EventKey
    package let result: Result

    package init(key: EventKey, result: Result) {
        self.key = key
        self.result = result
    }
}
