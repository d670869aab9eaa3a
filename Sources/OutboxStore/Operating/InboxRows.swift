package import Postgres

/// What operators ask about the inbox, and what they do with its rows.
package enum InboxRows {
    /// The words of `status`.
    package static let statuses = ["queued", "retrying", "dead", "done", "published"]

    /// What an operator looks for; nil means any.
    package struct Search: Sendable, Equatable {
        package var source: String?
        package var status: String?
        /// Received at this moment or later.
        package var since: PostgresTimestamp?
        /// Received before this moment.
        package var until: PostgresTimestamp?
        package var correlation: String?
        package var webhookID: String?
        /// Those with a lower number.
        package var before: Int64?

        package init() {}
    }

    /// Rows of a search, the newest first.
    package static func list(_ search: Search, limit: Int32) -> PostgresQuery<InboxRow> {
        PostgresQuery(
            """
            SELECT \(InboxRow.columns) FROM postrider.inbox i
            WHERE ($1 IS NULL OR i.source = $1) AND ($2 IS NULL OR i.status = $2)
                AND i.received_at >= coalesce($3, '-infinity') AND i.received_at < coalesce($4, 'infinity')
                AND ($5 IS NULL OR i.correlation = $5) AND ($6 IS NULL OR i.webhook_id = $6) AND ($7 IS NULL OR i.id < $7)
                \(Self.places(search.status))
            ORDER BY i.received_at DESC, i.id DESC LIMIT $8
            """, search.source, search.status, search.since, search.until, search.correlation, search.webhookID,
            search.before, limit)
    }

    /// What is not processed, or dead, is mostly little: it is found where it stands and not among all that came.
    private static func places(_ status: String?) -> String {
        switch status {
        case "queued", "retrying": "AND i.id = ANY (ARRAY(SELECT q.id FROM postrider.inbox_queue q))"
        default: ""
        }
    }

    /// A row with what it brought; no row where there is none.
    package static func find(_ id: Int64) -> PostgresQuery<FoundInboxRow> {
        PostgresQuery(
            """
            SELECT \(InboxRow.columns), i.body, i.headers,
                   (SELECT r.event_id FROM postrider.received r WHERE r.received_at = i.received_at AND r.id = i.id)
            FROM postrider.inbox i WHERE i.id = $1
            """, id)
    }

    /// Puts a row into the queue again, or makes its next attempt due; false where it is due already.
    package static func replay(_ id: Int64) -> PostgresQuery<Bool> {
        PostgresQuery("SELECT postrider.replay_inbox($1)", id)
    }

    /// Puts what is dead of a source into the queue again: looks at `count` rows, from the number `first`.
    ///
    /// - Parameter record: the record of this act that the step before began.
    package static func replay(
        source: String, since: PostgresTimestamp?, until: PostgresTimestamp?, from first: Int64, count: Int32,
        record: Int64?, isPreview: Bool
    ) -> PostgresQuery<InboxReplayStep> {
        PostgresQuery(
            """
            SELECT r.replayed, r.next_id, r.act FROM postrider.replay_inbox_some($1, $2, $3, $4, $5, $6, $7) r
            """, source, first, since, until, count, isPreview, record)
    }

    /// Gives a row up for good.
    ///
    /// - Parameter why: goes on record.
    package static func discard(_ id: Int64, why: String) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.discard_inbox($1, $2)", id, why)
    }
}

/// What one step of a replay of rows did.
package struct InboxReplayStep: PostgresRecord {
    package let replayed: Int32
    /// Where the next step goes on; nil when there are no more.
    package let next: Int64?
    /// The record of the act.
    package let record: Int64?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        replayed = try row.column(0)
        next = try row.column(1)
        record = try row.column(2)
    }
}

/// A request that was received, without its body.
package struct InboxRow: PostgresRecord {
    package let id: Int64
    package let source: String
    package let tenant: String
    package let webhookID: String
    package let eventType: String?
    package let correlation: String?
    package let contentType: String?
    package let remoteAddress: String?
    package let receivedAt: PostgresTimestamp
    package let age: Duration
    package let duplicates: Int32
    package let status: String
    package let attempts: Int32
    /// Nil while it waits behind an earlier one of its correlation.
    package let dueAt: PostgresTimestamp?
    package let finishedAt: PostgresTimestamp?
    package let lastError: String?

    /// The columns of `postrider.inbox i` that ``init(_:)`` reads.
    static let columns = """
        i.id, i.source, i.tenant, i.webhook_id, i.event_type, i.correlation, i.content_type, i.remote_address, i.received_at,
        (extract(epoch FROM clock_timestamp() - i.received_at) * 1000000)::bigint, i.duplicates, i.status, i.attempts, i.due_at,
        i.finished_at, i.last_error
        """

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        source = try row.column(1)
        tenant = try row.column(2)
        webhookID = try row.column(3)
        eventType = try row.column(4)
        correlation = try row.column(5)
        contentType = try row.column(6)
        remoteAddress = try row.column(7)
        receivedAt = try row.column(8)
        age = try row.microseconds(9)
        duplicates = try row.column(10)
        status = try row.column(11)
        attempts = try row.column(12)
        dueAt = try row.column(13)
        finishedAt = try row.column(14)
        lastError = try row.column(15)
    }
}

/// A request that was received, and what it brought.
package struct FoundInboxRow: PostgresRecord {
    package let row: InboxRow
    package let body: [UInt8]
    /// An object of names in lower case.
    package let headers: PostgresJSON
    /// The event that it became.
    package let event: Int64?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.row = try InboxRow(row)
        body = try row.column(16)
        headers = try row.column(17)
        event = try row.column(18)
    }
}
