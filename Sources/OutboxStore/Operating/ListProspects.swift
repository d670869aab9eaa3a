package import Postgres

/// What is still to come of an event: a row for each delivery that lives or is a dead letter.
package struct ListProspects: PostgresStatement {
    /// What one delivery has before it.
    package struct Row: Sendable, Equatable {
        /// Where it goes.
        package var endpoint: String
        /// Attempts that count against `maxAttempts`: those since the last replay.
        package var attempts: Int32
        /// Attempts that the endpoint allows.
        package var maxAttempts: Int32
        /// `active`, `paused` or `disabled`; `removed` for one that is no more.
        package var state: String
        /// Why it is paused or disabled.
        package var stateReason: String?
        /// How long until it is due; negative when it is. Nil for a dead letter, and while it waits for another event.
        package var dueIn: Duration?
        /// The event with the same ordering key that has to end first.
        package var waitsFor: Int64?
        /// The id of the dead letter; nil when it lives.
        package var deadLetter: Int64?
    }

    /// The text of the statement.
    package static let sql = """
        SELECT e.name, greatest(d.attempt - greatest(d.attempt_base, 0), 0), e.max_attempts, e.state, e.state_reason,
               CASE WHEN d.due_at < 'infinity'
                   THEN (extract(epoch FROM d.due_at - clock_timestamp()) * 1000000)::bigint END,
               CASE WHEN d.due_at = 'infinity' THEN (
                   -- The first of its key: the order of ids is the order of insertion.
                   SELECT b.event_id FROM postrider.deliveries b
                   WHERE b.endpoint_id = d.endpoint_id AND b.ordering_key = d.ordering_key AND b.id < d.id
                   ORDER BY b.id LIMIT 1) END,
               NULL::bigint
        FROM postrider.deliveries d JOIN postrider.endpoints e ON e.id = d.endpoint_id
        WHERE d.event_id = $1
        UNION ALL
        SELECT e.name, x.attempts, e.max_attempts, e.state, e.state_reason, NULL, NULL, x.id
        FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
        WHERE x.event_id = $1
        """

    private let event: Int64

    /// - Parameter event: its id.
    package init(event: Int64) {
        self.event = event
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            endpoint: try row.column(0), attempts: try row.column(1), maxAttempts: try row.column(2),
            state: try row.column(3), stateReason: try row.column(4),
            dueIn: try row.column(5, as: Int64?.self).map { .microseconds($0) }, waitsFor: try row.column(6),
            deadLetter: try row.column(7))
    }
}
