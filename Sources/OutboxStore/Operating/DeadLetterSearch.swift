package import Postgres

extension DeadLetters {
    /// What an operator looks for; nil means any.
    package struct Search: Sendable, Equatable {
        package var tenant: String?
        /// `order.paid`, `order.*` or `*`.
        package var type: String?
        package var endpoint: String?
        /// Given up at this moment or later.
        package var since: PostgresTimestamp?
        /// Given up before this moment.
        package var until: PostgresTimestamp?
        /// Why it was given up, as one word.
        package var reason: String?
        /// How the last attempt failed.
        package var errorCode: String?
        /// How the last attempt was answered.
        package var httpStatus: Int32?
        package var orderingKey: String?
        /// A text or number that the payload has at a path.
        package var payload: PayloadValue?
        /// The numbers of the events that can be meant, where they are known.
        package var events: [Int64]?

        package init() {}
    }

    /// One step of a search: it looks at the next `count` of what may fit and finds at most `limit`, the newest delivery first.
    ///
    /// - Parameter before: the dead letter that the step before it came to.
    package static func find(
        _ search: Search, before: Int64, count: Int32, limit: Int32
    ) -> PostgresQuery<FoundLetter> {
        PostgresQuery(
            """
            SELECT f.seen, f.reached_id, f.id
            FROM postrider.find_dead_letters($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) f
            """, search.events, before, count, limit, search.tenant, search.type, search.endpoint, search.since,
            search.until, search.reason, search.errorCode, search.httpStatus, search.orderingKey,
            search.payload?.path, search.payload?.value)
    }

    /// Dead letters by their ids, the newest delivery first.
    package static func list(_ ids: [Int64]) -> PostgresQuery<DeadLetter> {
        PostgresQuery(
            """
            SELECT \(DeadLetter.columns) FROM postrider.dead_letters d WHERE d.id = ANY ($1) ORDER BY d.id DESC
            """, ids)
    }
}

/// What a step of a search brings: first how far it came, then what it found.
package enum FoundLetter: Sendable {
    /// - Parameters:
    ///   - seen: how many it looked at; fewer than it might when there are no more.
    ///   - place: the last of them; nil when there was none.
    case reached(seen: Int32, Int64?)
    case letter(Int64)
}

extension FoundLetter: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        if let seen = try row.column(0, as: Int32?.self) {
            self = .reached(seen: seen, try row.column(1))
        } else {
            self = .letter(try row.column(2))
        }
    }
}
