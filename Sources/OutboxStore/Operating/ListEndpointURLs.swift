public import Postgres

/// Where every endpoint is.
public struct ListEndpointURLs: PostgresStatement {
    /// An endpoint.
    public struct Row: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Where it is.
        public var url: String
    }

    /// The most rows.
    public static let limit = 10_000

    /// The text of the statement.
    public static let sql = """
        SELECT e.name, u.url FROM postrider.endpoints e JOIN postrider.endpoint_urls u ON u.id = e.url_id
        WHERE e.state <> 'removed' ORDER BY e.name LIMIT \(limit)
        """

    /// The statement has no parameters.
    public init() {}

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(name: try row.column(0), url: try row.column(1))
    }
}
