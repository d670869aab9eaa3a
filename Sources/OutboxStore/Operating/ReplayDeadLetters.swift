package import Postgres

/// Puts dead letters back into their endpoints' lanes, the oldest first, and returns how many.
package struct ReplayDeadLetters: PostgresStatement {
    /// Which dead letters; nil means any.
    package struct Selection: Sendable {
        /// The name of the endpoint.
        package var endpoint: String?
        /// Given up at this moment or later.
        package var since: PostgresTimestamp?
        /// Given up before this moment.
        package var until: PostgresTimestamp?
        /// The exact event type.
        package var eventType: String?

        /// All of them.
        package init() {}
    }

    /// The text of the statement.
    package static let sql = """
        SELECT postrider.replay_dead_letters(
            endpoint => $1, since => $2, until => $3, event_type => $4, max_rows => $5)
        """

    private let selection: Selection
    private let limit: Int32

    /// - Parameter limit: the most that are put back.
    package init(_ selection: Selection, limit: Int32) {
        self.selection = selection
        self.limit = limit
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(selection.endpoint)
        parameters.append(selection.since)
        parameters.append(selection.until)
        parameters.append(selection.eventType)
        parameters.append(limit)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
