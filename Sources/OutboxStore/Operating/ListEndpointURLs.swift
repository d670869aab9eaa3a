package import Postgres

/// Where every endpoint is.
package struct ListEndpointURLs: PostgresStatement {
    /// An endpoint.
    package struct Row: Sendable, Equatable {
        /// Its name.
        package var name: String
        /// Where it is.
        package var url: String
    }

    /// The most rows.
    package static let limit = 10_000

    /// The text of the statement.
    package static let sql = """
        SELECT e.name, u.url FROM postrider.endpoints e JOIN postrider.endpoint_urls u ON u.id = e.url_id
        WHERE e.state <> 'removed' ORDER BY e.name LIMIT \(limit)
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(name: try row.column(0), url: try row.column(1))
    }
}
