package import Postgres

/// The doorbell: the last id given to a delivery.
///
/// One page is read, no row. A sequence is not transactional, so it rings as soon as a producer's insert has run, before
/// it commits. That is why a worker looks several times after a ring.
package struct ReadDoorbell: PostgresStatement {
    package let sql = "SELECT s.last_value FROM postrider.deliveries_id_seq s"

    package init() {}

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 { try row.column(0) }
}

/// Finds the open lanes that hold live rows, and how soon the first row of each is due. In the order of their ids.
package struct DiscoverLanes: PostgresStatement {
    /// A lane with something in it.
    package struct Row: Hashable, Sendable {
        /// The endpoint's id.
        package var endpoint: Int32
        /// Time until the first live row is due; zero when it is due already (or in flight).
        package var dueIn: Duration
    }

    package let sql = "SELECT d.endpoint_id, d.due_in_us FROM postrider.discover($1) d"

    private let unhinted: Bool

    /// - Parameter unhinted: look before the lanes' hints too, where rows that committed late may lie.
    package init(unhinted: Bool) {
        self.unhinted = unhinted
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(unhinted)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(endpoint: try row.column(0), dueIn: try row.microseconds(1))
    }
}

/// Moves the low-water hints of lanes up to their first live rows.
package struct AdvanceHints: PostgresStatement {
    package typealias Row = Void

    package let sql = "SELECT postrider.advance_hints($1)"

    private let lanes: [Int32]

    /// - Parameter lanes: the lanes that had work lately.
    package init(lanes: [Int32]) {
        self.lanes = lanes
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(lanes)
    }
}
