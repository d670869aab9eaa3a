package import Postgres

/// What operators ask about dead letters, and what they do with them.
package enum DeadLetters {
    /// A dead letter with its event's content; no row where there is none.
    package static func find(_ id: Int64) -> PostgresQuery<FoundDeadLetter> {
        PostgresQuery(
            """
            SELECT \(DeadLetter.columns), d.payload, d.body, d.content_type
            FROM postrider.dead_letters d WHERE d.id = $1
            """, id)
    }

    /// Which dead letters; nil means any.
    package struct Selection: Sendable {
        /// The name of the endpoint.
        package var endpoint: String?
        package var tenant: String?
        /// Given up at this moment or later.
        package var since: PostgresTimestamp?
        /// Given up before this moment.
        package var until: PostgresTimestamp?
        /// `order.paid`, `order.*` or `*`.
        package var type: String?
        /// Whether those are put back too whose event has expired.
        package var ignoresExpiry = false
        /// The endpoint that gets them instead of theirs.
        package var target: String?

        package init() {}
    }

    /// Puts dead letters back, the oldest first: looks at `count` of a selection, from the id `first`.
    ///
    /// - Parameters:
    ///   - record: the record of this act that the step before began.
    ///   - isPreview: count only.
    package static func replay(
        _ selection: Selection, from first: Int64, to last: Int64 = .max, count: Int32, record: Int64? = nil,
        isPreview: Bool = false
    ) -> PostgresQuery<ReplayStep> {
        PostgresQuery(
            """
            SELECT r.replayed, r.expired, r.spent, r.unfit, r.next_id, r.act
            FROM postrider.replay_some($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) r
            """, first, last, selection.endpoint, selection.since, selection.until, selection.type,
            selection.ignoresExpiry, count, selection.target, isPreview, record, selection.tenant)
    }

    /// Puts one dead letter back and returns 1; or 0, when its event has expired, or when the endpoint `target` has it already.
    /// Fails with `no_data_found` where there is none.
    package static func replay(
        _ id: Int64, ignoringExpiry: Bool, target: String?
    ) -> PostgresQuery<Int32> {
        PostgresQuery(
            "SELECT postrider.replay_dead_letter($1, ignore_expiry => $2, to_endpoint => $3)", id, ignoringExpiry,
            target)
    }

    /// Whether the endpoint of a dead letter was removed; no row where there is no such dead letter.
    package static func isOfRemovedEndpoint(_ id: Int64) -> PostgresQuery<Bool> {
        PostgresQuery(
            """
            SELECT e.state = 'removed' FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id WHERE x.id = $1
            """, id)
    }

    /// Gives a dead letter up for good. Fails with `no_data_found` where there is none.
    ///
    /// - Parameter why: goes on record.
    package static func discard(_ id: Int64, why: String) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.discard_dead_letter($1, $2)", id, why)
    }
}

/// What became of the dead letters that one step of a replay looked at.
package struct ReplayStep: PostgresRecord {
    /// Back in their lanes.
    package var replayed: Int32
    /// Left, because the event has expired.
    package var expired: Int32
    /// Left, because too many attempts were made.
    package var spent: Int32
    /// Left, because the other endpoint has their event already or may not have it.
    package var unfit: Int32
    /// Where the next step goes on; nil when there are no more.
    package var next: Int64?
    /// The record of the act.
    package var record: Int64?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        replayed = try row.column(0)
        expired = try row.column(1)
        spent = try row.column(2)
        unfit = try row.column(3)
        next = try row.column(4)
        record = try row.column(5)
    }
}

/// A delivery that was given up.
package struct DeadLetter: Sendable {
    /// What replays and discards name it by.
    package var id: Int64
    /// The event's id.
    package var event: Int64
    /// The id that receivers know the event by.
    package var webhookID: String
    /// Nil when the event is gone.
    package var eventType: String?
    /// Nil when the event is gone.
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

extension DeadLetter: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.column(0), event: try row.column(1), webhookID: try row.column(2), eventType: try row.column(3),
            tenant: try row.column(4), endpoint: try row.column(5), attempts: try row.column(6),
            reason: try row.column(7), lastHTTPStatus: try row.column(8), lastErrorCode: try row.column(9),
            lastError: try row.column(10), createdAt: try row.column(11), deadAt: try row.column(12),
            age: try row.microseconds(13))
    }
}

/// A dead letter and what it was to bring.
package struct FoundDeadLetter: PostgresRecord {
    package var letter: DeadLetter
    package var content: EventContent

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        letter = try DeadLetter(row)
        content = try EventContent(row, from: 14)
    }
}
