package import Postgres

/// What operators do to many deliveries or dead letters at once, a slice at a time. Each slice is a transaction of its own.
package enum BulkActs {
    /// Which of them; nil means any.
    package struct Selection: Sendable, Equatable {
        package var endpoint: String?
        package var tenant: String?
        /// `order.paid`, `order.*` or `*`.
        package var type: String?
        /// Published, or of dead letters given up, at this moment or later.
        package var since: PostgresTimestamp?
        /// The same before this moment.
        package var until: PostgresTimestamp?

        package init() {}
    }

    /// What is done to deliveries.
    package enum LiveAct: Sendable {
        /// Those that failed are due now.
        case retry
        /// They are not sent any more.
        case cancel
    }

    /// Where in a lane a slice begins.
    package struct LanePlace: Sendable, Equatable {
        package var lane: Int32
        package var dueAt = PostgresTimestamp.negativeInfinity
        package var id: Int64 = 0

        package init(lane: Int32) {
            self.lane = lane
        }
    }

    /// The first lane after another that has deliveries; NULL when there is none.
    package static func nextLane(after lane: Int32, _ selection: Selection) -> PostgresQuery<Int32?> {
        PostgresQuery("SELECT postrider.next_lane($1, $2, $3)", lane, selection.endpoint, selection.tenant)
    }

    /// - Parameters:
    ///   - count: how many deliveries are looked at.
    ///   - why: goes on record.
    ///   - act: the record that the slice before this one began.
    ///   - isPreview: count only.
    package static func slice(
        _ act: LiveAct, _ selection: Selection, from place: LanePlace, count: Int32, why: String?, record: Int64?,
        isPreview: Bool
    ) -> PostgresQuery<LiveSlice> {
        return switch act {
        case .retry:
            PostgresQuery(
                """
                SELECT r.retried, 0, 0, r.next_at, r.next_id, r.act
                FROM postrider.retry_some($1, $2, $3, $4, $5, $6, $7, $8, postrider.endpoint_words($9, $10), $11, $12) r
                """, place.lane, place.dueAt, place.id, selection.type, selection.since, selection.until, count,
                isPreview, selection.endpoint, selection.tenant, why, record)
        case .cancel:
            PostgresQuery(
                """
                SELECT c.cancelled, c.marked, c.woken, c.next_at, c.next_id, c.act
                FROM postrider.cancel_some($1, $2, $3, $4, $5, $6, $7, $8, postrider.endpoint_words($9, $10), $11, $12) c
                """, place.lane, place.dueAt, place.id, selection.type, selection.since, selection.until, count,
                isPreview, selection.endpoint, selection.tenant, why, record)
        }
    }

    /// Gives dead letters up for good, the oldest first: looks at `count` of a selection, from the id `first`.
    package static func discard(
        _ selection: Selection, from first: Int64, count: Int32, why: String?, record: Int64?, isPreview: Bool
    ) -> PostgresQuery<DiscardSlice> {
        PostgresQuery(
            """
            SELECT d.discarded, d.next_id, d.act
            FROM postrider.discard_some($1, \(Int64.max), $2, $3, $4, $5, $6, $7, $8, $9, $10) d
            """, first, selection.endpoint, selection.since, selection.until, selection.type, count, isPreview, why,
            record, selection.tenant)
    }
}

/// What a slice did to deliveries of a lane.
package struct LiveSlice: Sendable, PostgresRecord {
    package var changed: Int32
    /// Those in flight whose attempt is their last one.
    package var inFlight: Int32
    /// Others of an ordering key that are due now, maybe before the place where this goes on.
    package var woken: Int32
    /// Where the next slice begins; nil at the end of the lane.
    package var next: (dueAt: PostgresTimestamp, id: Int64)?
    /// The record of the act.
    package var record: Int64?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        changed = try row.column(0)
        inFlight = try row.column(1)
        woken = try row.column(2)
        let dueAt = try row.column(3, as: PostgresTimestamp?.self)
        let id = try row.column(4, as: Int64?.self)
        if let dueAt, let id { next = (dueAt, id) }
        record = try row.column(5)
    }
}

/// What a slice discarded.
package struct DiscardSlice: Sendable, PostgresRecord {
    package var discarded: Int32
    /// Where the next slice begins; nil at the end.
    package var next: Int64?
    /// The record of the act.
    package var record: Int64?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        discarded = try row.column(0)
        next = try row.column(1)
        record = try row.column(2)
    }
}
