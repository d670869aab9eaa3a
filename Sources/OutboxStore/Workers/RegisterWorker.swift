public import Postgres

/// Enters a worker in the list and returns its id, which is part of every fencing token.
public struct RegisterWorker: PostgresStatement {
    public static let sql = "INSERT INTO postrider.workers (name, version) VALUES ($1, $2) RETURNING id"

    private let name: String
    private let version: String

    /// - Parameters:
    ///   - name: host and process, for people.
    ///   - version: of the product.
    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(version)
    }

    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
