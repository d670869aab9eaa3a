package import Postgres

/// Removes an endpoint and returns how many deliveries were cancelled. Fails with `no_data_found` where there is none.
package struct RemoveEndpoint: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.remove_endpoint($1)"

    private let name: String

    /// - Parameter name: of the endpoint.
    package init(name: String) {
        self.name = name
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
