package import Postgres

/// Enters a worker in the list and returns its id, which is part of every fencing token.
package struct RegisterWorker: PostgresStatement {
    /// The text of the statement.
    package static let sql = "INSERT INTO postrider.workers (name, version) VALUES ($1, $2) RETURNING id"

    private let name: String
    private let version: String

    /// - Parameters:
    ///   - name: host and process, for people.
    ///   - version: of the product.
    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(version)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
