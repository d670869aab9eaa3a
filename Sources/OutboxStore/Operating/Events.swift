package import Postgres

/// What operators ask about events, and what they do with them. What became of an event: see ``EventDelivery``.
package enum Events {
    /// Publishes an event, in a transaction of its own.
    package static func publish(_ event: NewEvent) -> PostgresQuery<PublishedEvent> {
        PostgresQuery(
            """
            SELECT p.event_id, p.webhook_id, p.reused
            FROM postrider.publish(
                event_type => $1, payload => $2, body => $3, content_type => $4, ordering_key => $5, idempotency_key => $6,
                endpoint => $7, tenant => $8, headers => $9, deliver_after => $10, expires_at => $11, traceparent => $12) p
            """, event.eventType, event.payload.map { PostgresJSON($0) }, event.body, event.contentType,
            event.orderingKey, event.idempotencyKey, event.endpoint, event.tenant,
            event.headers.map { PostgresJSONB($0) }, event.deliverAfter, event.expiresAt, event.traceparent)
    }

    /// What became of an event so far: words of `event_deliveries`, joined by commas; `no_subscriber`, or `gone` when it is not
    /// kept any more. A producer may ask too.
    package static func state(_ event: PublishedEvent) -> PostgresQuery<EventState> {
        PostgresQuery(
            "SELECT postrider.event_state($1, $2), postrider.event_ended_at($1, $2)", event.id, event.webhookID)
    }

    /// The most events that ``locate(_:)`` finds.
    package static let locateLimit = 10

    /// The events of a number: mostly one, or none; several after the sequence was set back.
    package static func locate(_ id: Int64) -> PostgresQuery<EventLocation> {
        PostgresQuery(
            """
            SELECT o.created_at, postrider.webhook_id(o.created_at, o.id) FROM postrider.outbox o
            WHERE o.id = $1 ORDER BY o.created_at LIMIT \(locateLimit)
            """, id)
    }

    /// An event; no row where there is none.
    ///
    /// - Parameter createdAt: when it happened, to the microsecond: see ``locate(_:)``.
    package static func find(_ id: Int64, createdAt: PostgresTimestamp) -> PostgresQuery<EventRecord> {
        PostgresQuery(
            """
            SELECT o.id, postrider.webhook_id(o.created_at, o.id), o.created_at, o.event_type, o.tenant, o.endpoint, o.ordering_key,
                   o.idempotency_key, o.deliver_after, o.expires_at, o.traceparent,
                   CASE WHEN o.headers IS NOT NULL
                       THEN ARRAY(SELECT unnest(ARRAY[h.key, h.value]) FROM jsonb_each_text(o.headers) h) END,
                   o.payload, o.body, o.content_type
            FROM postrider.outbox o WHERE o.created_at = $2 AND o.id = $1
            """, id, createdAt)
    }

    /// Cancels what is not delivered of an event yet and returns how many deliveries that were. Fails with `no_data_found`.
    ///
    /// - Parameter why: goes on record.
    package static func cancel(_ id: Int64, createdAt: PostgresTimestamp, why: String?) -> PostgresQuery<Int32> {
        PostgresQuery("SELECT postrider.cancel_event($1, $2, $3)", id, createdAt, why)
    }

    /// Makes the failed deliveries of an event due now, to one endpoint or to all, and returns how many. Fails with `no_data_found`.
    ///
    /// - Parameter why: goes on record.
    package static func retry(
        _ id: Int64, createdAt: PostgresTimestamp, endpoint: String?, why: String?
    ) -> PostgresQuery<Int32> {
        PostgresQuery(
            "SELECT postrider.retry_event($1, created_at => $2, endpoint => $3, why => $4)", id, createdAt, endpoint,
            why)
    }

    /// The most rows of ``attempts(_:endpoint:)``.
    package static let attemptLimit = 1000

    /// The attempts to deliver an event, in the order in which they began.
    ///
    /// - Parameters:
    ///   - createdAt: when it happened, to the microsecond.
    ///   - endpoint: to this endpoint alone; nil for all.
    package static func attempts(
        _ id: Int64, createdAt: PostgresTimestamp, endpoint: String? = nil
    ) -> PostgresQuery<AttemptRecord> {
        PostgresQuery(
            """
            SELECT a.endpoint, a.attempt, a.started_at, (a.duration_ms * 1000)::bigint, a.outcome, a.http_status,
                   a.error_code, a.error, a.response_body, a.request_url, a.remote_address, a.timings, a.worker,
                   a.worker_name, a.retry_after, a.location, a.allowed_ms
            FROM postrider.attempt_log a
            WHERE a.event_id = $1 AND a.webhook_id = postrider.webhook_id($2, $1) AND ($3 IS NULL OR a.endpoint = $3)
            ORDER BY a.started_at, a.attempt LIMIT \(attemptLimit)
            """, id, createdAt, endpoint)
    }
}

/// Where an event is kept.
package struct EventLocation: Sendable, PostgresRecord {
    package let createdAt: PostgresTimestamp
    /// The id that receivers know it by.
    package let webhookID: String

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        createdAt = try row.column(0)
        webhookID = try row.column(1)
    }
}

/// An event to be published.
package struct NewEvent: Sendable {
    package var eventType: String
    /// JSON; nil when there is a body.
    package var payload: [UInt8]?
    /// Bytes of some other kind; nil when there is a payload.
    package var body: [UInt8]?
    /// What kind of bytes the body is.
    package var contentType: String?
    /// Events with the same key go in order.
    package var orderingKey: String?
    /// A second event with the same key is not stored.
    package var idempotencyKey: String?
    /// The one endpoint it is for.
    package var endpoint: String?
    package var tenant = ""
    /// A JSON object of names and values.
    package var headers: [UInt8]?
    /// Not before.
    package var deliverAfter: PostgresTimestamp?
    /// Not after.
    package var expiresAt: PostgresTimestamp?
    /// W3C trace context.
    package var traceparent: String?

    package init(eventType: String) {
        self.eventType = eventType
    }
}

/// What ``Events/publish(_:)`` stored.
package struct PublishedEvent: Sendable {
    package var id: Int64
    /// The id that receivers know it by.
    package var webhookID: String
    /// Whether an earlier event had the same idempotency key, so that nothing was stored.
    package var isReused: Bool
}

extension PublishedEvent: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        webhookID = try row.column(1)
        isReused = try row.column(2)
    }
}

/// What became of an event.
package struct EventState: Sendable, PostgresRecord {
    /// See ``Events/state(_:)``.
    package var words: String
    /// When it ended; nil while a delivery of it lives.
    package var endedAt: PostgresTimestamp?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        words = try row.column(0)
        endedAt = try row.column(1)
    }
}

/// An event as operators see it.
package struct EventRecord: Sendable {
    package var id: Int64
    /// The id that receivers know it by.
    package var webhookID: String
    package var createdAt: PostgresTimestamp
    package var eventType: String
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
    package var content: EventContent
}

extension EventRecord: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.column(0), webhookID: try row.column(1), createdAt: try row.column(2),
            eventType: try row.column(3), tenant: try row.column(4), endpoint: try row.column(5),
            orderingKey: try row.column(6), idempotencyKey: try row.column(7), deliverAfter: try row.column(8),
            expiresAt: try row.column(9), traceparent: try row.column(10), headers: try row.column(11),
            content: try EventContent(row, from: 12))
    }
}

/// What an event carries: JSON, or bytes of some other kind. Nothing when the event is gone.
package struct EventContent: Sendable {
    /// The JSON, as it was written.
    package var payload: [UInt8]?
    package var body: [UInt8]?
    /// What kind of bytes the body is.
    package var contentType: String?

    /// Reads three columns: payload, body, content type.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        payload = try row.column(first, as: PostgresJSON?.self)?.bytes
        body = try row.column(first + 1)
        contentType = try row.column(first + 2)
    }
}

/// An attempt that was made.
package struct AttemptRecord: Sendable {
    package var endpoint: String
    /// Which attempt of its delivery it was, counted from 1.
    package var attempt: Int32
    package var startedAt: PostgresTimestamp
    package var duration: Duration
    /// `delivered`, `retry`, `dead` or `stale`.
    package var outcome: String
    package var httpStatus: Int32?
    /// Why it failed, as one word.
    package var errorCode: String?
    /// Why it failed.
    package var error: String?
    /// The beginning of the answer's body.
    package var responseBody: String?
    package var requestURL: String?
    /// The address that was dialled.
    package var remoteAddress: String?
    /// How many milliseconds each phase took, a JSON object.
    package var timings: [UInt8]
    /// The id of the worker that made it.
    package var worker: Int32
    /// Its host and process.
    package var workerName: String?
    /// The answer's `Retry-After`, of one that failed.
    package var retryAfter: String?
    /// The answer's `Location`, of one that failed.
    package var location: String?
    /// Milliseconds that it might have taken, of one that failed.
    package var allowed: Int32?

    /// Whether its worker never said how it went: it was begun, and ``duration`` after its start its lease ended.
    package var isUnreported: Bool { outcome == "stale" && error == "the worker did not report" }
}

extension AttemptRecord: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            endpoint: try row.column(0), attempt: try row.column(1), startedAt: try row.column(2),
            duration: try row.microseconds(3), outcome: try row.column(4), httpStatus: try row.column(5),
            errorCode: try row.column(6), error: try row.column(7), responseBody: try row.column(8),
            requestURL: try row.column(9), remoteAddress: try row.column(10),
            timings: try row.column(11, as: PostgresJSON.self).bytes, worker: try row.column(12),
            workerName: try row.column(13), retryAfter: try row.column(14), location: try row.column(15),
            allowed: try row.column(16))
    }
}
