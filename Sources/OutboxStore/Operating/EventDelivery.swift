public import Postgres

/// What became of an event at an endpoint so far.
public struct EventDelivery: Sendable {
    /// The event's id.
    public var event: Int64
    /// The id that receivers know the event by.
    public var webhookID: String
    /// What happened; nil when the event is gone.
    public var eventType: String?
    /// Whose event it is; nil when the event is gone.
    public var tenant: String?
    /// Where it goes; nil when the event matched nothing.
    public var endpoint: String?
    /// `pending`, `in_flight`, `retrying`, `held`, `delivered`, `dead`, `expired`, `cancelled`, `filtered`,
    /// `no_subscriber`.
    public var status: String
    /// How many attempts were made.
    public var attempts: Int32
    /// When the next attempt is due.
    public var dueAt: PostgresTimestamp?
    /// When the last attempt began.
    public var lastAttemptAt: PostgresTimestamp?
    /// The status of the last answer.
    public var lastHTTPStatus: Int32?
    /// Why the last attempt failed, as one word.
    public var lastErrorCode: String?
    /// When the event happened.
    public var createdAt: PostgresTimestamp
    /// How long ago that was.
    public var age: Duration
    /// When the delivery ended.
    public var finishedAt: PostgresTimestamp?

    /// The columns of `postrider.event_deliveries d` that ``init(_:)`` reads.
    static let columns = """
        d.event_id, d.webhook_id, d.event_type, d.tenant, d.endpoint, d.status, d.attempts, d.due_at, d.last_attempt_at,
        d.last_http_status, d.last_error_code, d.created_at,
        (extract(epoch FROM clock_timestamp() - d.created_at) * 1000000)::bigint, d.finished_at
        """

    init(_ row: borrowing PostgresRow) throws(PostgresError) {
        event = try row.column(0)
        webhookID = try row.column(1)
        eventType = try row.column(2)
        tenant = try row.column(3)
        endpoint = try row.column(4)
        status = try row.column(5)
        attempts = try row.column(6)
        dueAt = try row.column(7)
        lastAttemptAt = try row.column(8)
        lastHTTPStatus = try row.column(9)
        lastErrorCode = try row.column(10)
        createdAt = try row.column(11)
        age = .microseconds(try row.column(12, as: Int64.self))
        finishedAt = try row.column(13)
    }
}
