package import Postgres

/// A delivery that was given up.
package struct DeadLetter: Sendable {
    /// What replays and discards name it by.
    package var id: Int64
    /// The event's id.
    package var event: Int64
    /// The id that receivers know the event by.
    package var webhookID: String
    /// What happened; nil when the event is gone.
    package var eventType: String?
    /// Whose event it is; nil when the event is gone.
    package var tenant: String?
    /// Where it should have gone.
    package var endpoint: String
    /// How many attempts were made.
    package var attempts: Int32
    /// Why it was given up, as one word.
    package var reason: String
    /// The status of the last answer.
    package var lastHTTPStatus: Int32?
    /// Why the last attempt failed, as one word.
    package var lastErrorCode: String?
    /// Why the last attempt failed.
    package var lastError: String?
    /// When the event happened.
    package var createdAt: PostgresTimestamp
    /// When it was given up.
    package var deadAt: PostgresTimestamp
    /// How long ago that was.
    package var age: Duration

    /// The columns of `postrider.dead_letters d` that ``init(_:)`` reads.
    static let columns = """
        d.id, d.event_id, d.webhook_id, d.event_type, d.tenant, d.endpoint, d.attempts, d.reason, d.last_http_status,
        d.last_error_code, d.last_error, d.created_at, d.dead_at,
        (extract(epoch FROM clock_timestamp() - d.dead_at) * 1000000)::bigint
        """
}

extension DeadLetter {
    init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        event = try row.column(1)
        webhookID = try row.column(2)
        eventType = try row.column(3)
        tenant = try row.column(4)
        endpoint = try row.column(5)
        attempts = try row.column(6)
        reason = try row.column(7)
        lastHTTPStatus = try row.column(8)
        lastErrorCode = try row.column(9)
        lastError = try row.column(10)
        createdAt = try row.column(11)
        deadAt = try row.column(12)
        age = .microseconds(try row.column(13, as: Int64.self))
    }
}
