package import Postgres

extension Events {
    /// Where a delivery that lives is kept.
    package struct LivePlace: Sendable, Equatable {
        package var lane: Int32
        package var dueAt: PostgresTimestamp
        package var id: Int64
    }

    /// A delivery that was live when it was seen last.
    package struct Followed: Sendable, Equatable {
        package var event: Int64
        package var createdAt: PostgresTimestamp
        package var place: LivePlace

        package init(event: Int64, createdAt: PostgresTimestamp, place: LivePlace) {
            self.event = event
            self.createdAt = createdAt
            self.place = place
        }
    }

    /// What was published or changed since a snapshot.
    ///
    /// - Parameters:
    ///   - seen: the snapshot of the look before; nil for the first, which only says what it sees.
    ///   - low: only events with a number above it are looked at.
    ///   - followed: what was live then.
    ///   - limit: the most events, and the most deliveries.
    package static func follow(
        _ selection: Selection, since seen: String?, above low: Int64, followed: [Followed], limit: Int32
    ) -> PostgresQuery<FollowedRow> {
        PostgresQuery(
            """
            SELECT f.seen::text, pg_snapshot_xmin(f.seen)::text::bigint, pg_snapshot_xmax(f.seen)::text::bigint, f.last_id, f.is_cut,
                   f.event_id, postrider.webhook_id(f.event_at, f.event_id), f.event_type, f.tenant, f.endpoint, f.status, f.attempts,
                   f.due_at, f.last_attempt_at, f.last_http_status, f.last_error_code, f.event_at,
                   (extract(epoch FROM now() - f.event_at) * 1000000)::bigint,
                   CASE WHEN f.id IS NULL THEN coalesce(f.finished_at, f.event_at) END, f.endpoint_id, f.id
            FROM postrider.follow_events($1::text::pg_snapshot, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) f
            """, seen, low, limit, selection.tenant, selection.type, selection.endpoint, followed.map(\.event),
            followed.map(\.createdAt), followed.map(\.place.lane), followed.map(\.place.dueAt),
            followed.map(\.place.id))
    }
}

/// What a look brings: first what it has seen, then what has changed.
package enum FollowedRow: Sendable, PostgresRecord {
    case seen(FollowedLook)
    /// - Parameter place: nil for a delivery that has ended.
    case delivery(EventDelivery, Events.LivePlace?)

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        if let snapshot = try row.column(0, as: String?.self) {
            self = .seen(
                FollowedLook(
                    snapshot: snapshot, oldest: try row.column(1), next: try row.column(2),
                    lastEvent: try row.column(3, as: Int64?.self) ?? 0,
                    isCut: try row.column(4, as: Bool?.self) ?? false))
            return
        }
        let delivery = try EventDelivery(row, from: 5)
        let lane = try row.column(19, as: Int32?.self)
        let id = try row.column(20, as: Int64?.self)
        var place: Events.LivePlace?
        if let lane, let id, let dueAt = delivery.dueAt { place = Events.LivePlace(lane: lane, dueAt: dueAt, id: id) }
        self = .delivery(delivery, place)
    }
}

/// What a look has seen.
package struct FollowedLook: Sendable, Equatable {
    package var snapshot: String
    /// The oldest transaction that was open then.
    package var oldest: Int64
    /// The next transaction to begin.
    package var next: Int64
    /// The last number that an event had drawn.
    package var lastEvent: Int64
    /// Whether there was more than it may bring.
    package var isCut: Bool

    package init(snapshot: String, oldest: Int64, next: Int64, lastEvent: Int64, isCut: Bool = false) {
        self.snapshot = snapshot
        self.oldest = oldest
        self.next = next
        self.lastEvent = lastEvent
        self.isCut = isCut
    }
}
