package import Postgres

/// Jobs that send events again.
package enum Replays {
    /// Which events; nil means any.
    package struct Selection: Sendable, Equatable {
        /// Numbers of events.
        package var ids: [Int64]?
        package var endpoint: String?
        /// All there are: neither by number nor by endpoint.
        package var isOfAll = false
        package var tenant: String?
        /// Published at this moment or later.
        package var since: PostgresTimestamp?
        /// Published before this moment.
        package var until: PostgresTimestamp?
        /// `order.paid`, `order.*` or `*`.
        package var type: String?
        /// How the delivery ended, in the words of `event_deliveries`.
        package var status: String?
        /// Those too whose event has expired or was cancelled.
        package var ignoresExpiry = false

        package init() {}
    }

    /// Begins a job and returns its id.
    ///
    /// - Parameters:
    ///   - rate: deliveries a second.
    ///   - isNew: receivers get another webhook id.
    ///   - why: goes on record.
    package static func begin(
        _ selection: Selection, rate: Int32, isNew: Bool, why: String?
    ) -> PostgresQuery<Int64> {
        PostgresQuery(
            """
            SELECT postrider.replay_events(
                ids => $1, endpoint => $2, "all" => $3, since => $4, until => $5, event_type => $6, status => $7,
                ignore_expiry => $8, tenant => $9, rate => $10, new_id => $11, why => $12)
            """, selection.ids, selection.endpoint, selection.isOfAll, selection.since, selection.until,
            selection.type, selection.status, selection.ignoresExpiry, selection.tenant, rate, isNew, why)
    }

    /// What a job would do; changes nothing.
    package static func preview(_ selection: Selection) -> PostgresQuery<ReplayPreview> {
        PostgresQuery(
            """
            SELECT p.replayed, p.expired, p.cancelled, p.unfit, p.is_complete
            FROM postrider.preview_replay(
                ids => $1, endpoint => $2, "all" => $3, since => $4, until => $5, event_type => $6, status => $7,
                ignore_expiry => $8, tenant => $9) p
            """, selection.ids, selection.endpoint, selection.isOfAll, selection.since, selection.until,
            selection.type, selection.status, selection.ignoresExpiry, selection.tenant)
    }

    /// Ends a job; false when it had ended already. Fails with `no_data_found`.
    package static func cancel(_ id: Int64, why: String?) -> PostgresQuery<Bool> {
        PostgresQuery("SELECT postrider.cancel_replay($1, $2)", id, why)
    }

    /// The newest jobs.
    package static func list(limit: Int32) -> PostgresQuery<ReplayRecord> {
        PostgresQuery(
            """
            SELECT j.id, j.state, j.endpoint, j.tenant, j.events, j.event_type, j.status, j.new_id, j.ignore_expiry, j.rate,
                   j.replayed, j.expired, j.cancelled, j.unfit, j.progress::float8, j.created_at, j.created_by, j.why, j.ended_at,
                   j.last_error
            FROM postrider.replay_jobs j ORDER BY j.id DESC LIMIT $1
            """, Int64(limit))
    }
}

/// How many deliveries a replay would make, and leave.
package struct ReplayPreview: Sendable, Equatable {
    package var replayed: Int64
    /// Left, because the event has expired.
    package var expired: Int64
    /// Left, because it was cancelled.
    package var cancelled: Int64
    /// Left, because the endpoint was removed or too many attempts were made.
    package var unfit: Int64
    /// Whether all was counted.
    package var isComplete: Bool
}

extension ReplayPreview: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            replayed: try row.column(0), expired: try row.column(1), cancelled: try row.column(2),
            unfit: try row.column(3), isComplete: try row.column(4))
    }
}

/// A job as operators see it.
package struct ReplayRecord: Sendable, PostgresRecord {
    package var id: Int64
    /// `running`, `done`, `cancelled` or `failed`.
    package var state: String
    package var endpoint: String?
    package var tenant: String?
    /// How many events were named; nil when none was.
    package var events: Int32?
    package var type: String?
    package var status: String?
    package var isNew: Bool
    package var ignoresExpiry: Bool
    package var rate: Int32
    package var replayed: Int64
    package var expired: Int64
    package var cancelled: Int64
    package var unfit: Int64
    /// From 0 to 1.
    package var progress: Double
    package var createdAt: PostgresTimestamp
    package var createdBy: String
    package var why: String?
    package var endedAt: PostgresTimestamp?
    package var lastError: String?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        state = try row.column(1)
        endpoint = try row.column(2)
        tenant = try row.column(3)
        events = try row.column(4)
        type = try row.column(5)
        status = try row.column(6)
        isNew = try row.column(7)
        ignoresExpiry = try row.column(8)
        rate = try row.column(9)
        replayed = try row.column(10)
        expired = try row.column(11)
        cancelled = try row.column(12)
        unfit = try row.column(13)
        progress = try row.column(14)
        createdAt = try row.column(15)
        createdBy = try row.column(16)
        why = try row.column(17)
        endedAt = try row.column(18)
        lastError = try row.column(19)
    }
}
