package import Postgres

/// Reads the events of claimed deliveries, each once.
///
/// The bounds on `created_at` let the planner pick the partitions before it starts: as a parameterised join alone it would
/// open every partition there is. `OFFSET 0` keeps it from reading a whole partition instead of looking up the few rows.
/// Operators say their schema: to set the search path first would cost as much as reading twenty events. It is planned each time: a
/// plan for any bounds leaves a step over all partitions in it, which costs each event as much as planning.
package struct FetchEvents: PostgresStatement {
    package let sql = """
        SELECT o.id, o.created_at, postrider.webhook_id(o.created_at, o.id), o.event_type, o.payload,
               o.body, CASE WHEN o.body IS NOT NULL THEN coalesce(o.content_type, '') END,
               CASE WHEN o.headers IS NOT NULL
                   THEN ARRAY(SELECT pg_catalog.unnest(ARRAY[h.key, h.value]) FROM pg_catalog.jsonb_each_text(o.headers) h) END,
               o.traceparent,
               (extract(epoch FROM o.expires_at OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp())
                   OPERATOR(pg_catalog.*) 1000000)::bigint,
               o.ordering_key IS NOT NULL
        FROM ROWS FROM (
            pg_catalog.unnest($1::pg_catalog.timestamptz[]), pg_catalog.unnest($2::pg_catalog.int8[])) AS wanted (created_at, id)
        CROSS JOIN LATERAL (
            SELECT e.* FROM postrider.outbox e
            WHERE e.created_at OPERATOR(pg_catalog.=) wanted.created_at AND e.id OPERATOR(pg_catalog.=) wanted.id
                AND e.created_at OPERATOR(pg_catalog.>=) $3 AND e.created_at OPERATOR(pg_catalog.<=) $4
            OFFSET 0) o
        """
    package let isQualified = true

    private let times: [PostgresTimestamp]
    private let ids: [Int64]
    private let first: PostgresTimestamp
    private let last: PostgresTimestamp

    /// - Parameter deliveries: whose events are wanted; several of one event ask for it once.
    package init(of deliveries: [ClaimedDelivery]) {
        var seen = Set<EventKey>(minimumCapacity: deliveries.count)
        self.init(deliveries.map(\.eventKey).filter { seen.insert($0).inserted })
    }

    /// - Parameter events: which ones, each once.
    package init(_ events: some Collection<EventKey>) {
        times = events.map(\.createdAt)
        ids = events.map(\.id)
        first = times.min() ?? .infinity
        last = times.max() ?? .negativeInfinity
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(times)
        parameters.append(ids)
        parameters.append(first)
        parameters.append(last)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> StoredEvent {
        let payload: PostgresJSON? = try row.column(4)
        let body: [UInt8]? = try row.column(5)
        let expiry: Int64? = try row.column(9)
        return StoredEvent(
            id: try row.column(0), createdAt: try row.column(1), webhookID: try row.column(2),
            eventType: try row.column(3), content: payload?.bytes ?? body ?? [], bodyContentType: try row.column(6),
            headers: try row.column(7, as: [String]?.self) ?? [], traceparent: try row.column(8),
            expiresIn: expiry.map { .microseconds($0) }, isOrdered: try row.column(10))
    }
}

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
    /// Whether it has an ordering key.
    package var isOrdered = false
    /// Whether `content` is a whole body that a transform made.
    package var isMade = false

    /// What it is known by.
    package var key: EventKey { EventKey(createdAt: createdAt, id: id) }
}

/// What an event is known by. Its number alone is not enough: a sequence that was set back gives numbers again.
package struct EventKey: Hashable, Sendable {
    /// When the event's transaction began.
    package let createdAt: PostgresTimestamp
    /// Its number.
    package let id: Int64

    /// The number alone tells nearly all apart, and each event is looked up several times.
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
