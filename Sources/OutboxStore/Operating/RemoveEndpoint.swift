public import Postgres

/// Removes an endpoint and returns how many deliveries were cancelled. Fails with `no_data_found` where there is none.
public struct RemoveEndpoint: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.remove_endpoint($1)"

    private let name: String

    /// - Parameter name: of the endpoint.
    public init(name: String) {
        self.name = name
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }

    /// Reads a row.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
