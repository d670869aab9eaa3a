package import Postgres

/// Dead letters, the newest delivery first.
package struct ListDeadLetters: PostgresStatement {
    /// The text of the statement.
    package static let sql = """
        SELECT \(DeadLetter.columns)
        FROM postrider.dead_letters d
        WHERE $1 IS NULL OR d.endpoint = $1
        ORDER BY d.id DESC LIMIT $2
        """

    private let endpoint: String?
    private let limit: Int32

    /// - Parameter endpoint: of this endpoint alone; nil for all.
    package init(endpoint: String?, limit: Int32) {
        self.endpoint = endpoint
        self.limit = limit
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(endpoint)
        parameters.append(limit)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> DeadLetter { try DeadLetter(row) }
}
