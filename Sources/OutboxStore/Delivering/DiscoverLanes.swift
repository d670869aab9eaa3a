package import Postgres

/// Finds the open lanes that hold live rows, and how soon the first row of each is due. In the order of their ids.
package struct DiscoverLanes: PostgresStatement {
    /// A lane with something in it.
    package struct Row: Hashable, Sendable {
        /// The endpoint's id.
        package var endpoint: Int32
        /// Time until the first live row is due; zero when it is due already (or in flight).
        package var dueIn: Duration
    }

    /// The text of the statement.
    package static let sql = "SELECT d.endpoint_id, d.due_in_us FROM postrider.discover($1) d"

    private let unhinted: Bool

    /// - Parameter unhinted: look before the lanes' hints too, where rows that committed late may lie.
    package init(unhinted: Bool) {
        self.unhinted = unhinted
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(unhinted)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(endpoint: try row.column(0), dueIn: .microseconds(try row.column(1, as: Int64.self)))
    }
}
