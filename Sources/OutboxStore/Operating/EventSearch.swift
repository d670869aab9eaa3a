package import Postgres

extension Events {
    /// What an operator looks for; nil means any.
    package struct Selection: Sendable, Equatable {
        package var tenant: String?
        /// `order.paid`, `order.*` or `*`.
        package var type: String?
        /// Deliveries to this endpoint.
        package var endpoint: String?
        /// Published at this moment or later.
        package var since: PostgresTimestamp?
        /// Published before this moment.
        package var until: PostgresTimestamp?
        /// Deliveries of this status.
        package var status: String?
        /// Deliveries whose last attempt failed so.
        package var errorCode: String?
        /// Deliveries whose last attempt was answered so.
        package var httpStatus: Int32?
        package var orderingKey: String?
        /// A text or number that the payload has at a path.
        package var payload: PayloadValue?
        /// The numbers of the events that can be meant, where they are known.
        package var ids: [Int64]?

        package init() {}
    }

    /// Where a search reads what may fit: where there is little of it.
    package enum Source: String, Sendable {
        /// All events, back in time.
        case events
        /// What is not done yet.
        case live
        /// Dead letters, and those that were discarded.
        case dead
        /// Deliveries that ended as expired, cancelled, filtered or superseded.
        case closed
        /// All of these as far as an attempt failed.
        case failed
    }

    /// One step of a search: it looks at the next `count` of what may fit and finds at most `limit` rows, the newest event first.
    ///
    /// - Parameter place: where the step before it came to.
    package static func find(
        _ selection: Selection, in source: Source, from place: EventPlace, count: Int32, limit: Int32
    ) -> PostgresQuery<FoundEvent> {
        PostgresQuery(
            """
            SELECT f.seen, f.reached_at, f.reached_id, f.event_id, postrider.webhook_id(f.created_at, f.event_id), f.event_type,
                   f.tenant, f.endpoint, f.status, f.attempts, f.due_at, f.last_attempt_at, f.last_http_status, f.last_error_code,
                   f.created_at, (extract(epoch FROM now() - f.created_at) * 1000000)::bigint, f.finished_at
            FROM postrider.find_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) f
            """, source.rawValue, selection.ids, place.at, place.id, count, limit, selection.tenant, selection.type,
            selection.endpoint, selection.since, selection.until, selection.status, selection.errorCode,
            selection.httpStatus, selection.orderingKey, selection.payload?.path, selection.payload?.value)
    }

    /// The numbers of the events with an idempotency key, of one tenant or of all.
    package static func keyed(_ key: String, tenant: String?) -> PostgresQuery<[Int64]> {
        PostgresQuery("SELECT postrider.keyed_events($1, $2)", tenant, key)
    }
}

/// A text or number within a payload.
package struct PayloadValue: Sendable, Equatable {
    /// Keys, and places in arrays counted from 0.
    package var path: [String]
    /// As the payload writes it, a text without its quotes.
    package var value: String

    package init(path: [String], value: String) {
        self.path = path
        self.value = value
    }
}

/// Where among all events a search stands: before this one.
package struct EventPlace: Sendable, Equatable {
    package var at: PostgresTimestamp
    package var id: Int64

    package init(at: PostgresTimestamp, id: Int64) {
        self.at = at
        self.id = id
    }

    /// After the newest event.
    package static let newest = EventPlace(at: .infinity, id: 0)
}

/// What a step of a search brings: first how far it came, then what it found.
package enum FoundEvent: Sendable {
    /// - Parameters:
    ///   - seen: how many it looked at; fewer than it might when there are no more.
    ///   - place: the last of them; nil when there was none.
    case reached(seen: Int32, EventPlace?)
    case delivery(EventDelivery)
}

extension FoundEvent: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        if let seen = try row.column(0, as: Int32?.self) {
            let at = try row.column(1, as: PostgresTimestamp?.self)
            let id = try row.column(2, as: Int64?.self)
            var place: EventPlace?
            if let at, let id { place = EventPlace(at: at, id: id) }
            self = .reached(seen: seen, place)
        } else {
            self = .delivery(try EventDelivery(row, from: 3))
        }
    }
}
