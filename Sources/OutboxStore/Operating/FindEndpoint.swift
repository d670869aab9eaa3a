package import Postgres

/// The id of the endpoint with a name; no row where there is none. Of several removed ones the newest.
package struct FindEndpoint: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
        SELECT e.id FROM postrider.endpoints e WHERE e.name = $1 AND ($2 OR e.state <> 'removed')
        ORDER BY (e.state <> 'removed') DESC, e.id DESC LIMIT 1
        """

    private let name: String
    private let includingRemoved: Bool

    /// - Parameter includingRemoved: whether an endpoint counts that was removed: its history is still there.
    package init(name: String, includingRemoved: Bool = false) {
        self.name = name
        self.includingRemoved = includingRemoved
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(includingRemoved)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
