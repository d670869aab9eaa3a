/// One SQL statement: its text, its parameters, its rows.
///
/// ```swift
/// struct FindName: PostgresStatement {
///     static let sql = "SELECT name FROM account WHERE id = $1"
///     let id: Int64
///     func bind(_ parameters: inout PostgresParameters) { parameters.append(id) }
///     static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> String { try row.column(0) }
/// }
/// ```
///
/// It goes out unnamed, by the extended protocol, so that it passes a pooler in transaction mode.
package protocol PostgresStatement: Sendable {
    /// What a row is read into; `Void` where there are none.
    associatedtype Row: Sendable

    /// The text, with `$1`, `$2`, … for the parameters.
    static var sql: String { get }

    /// Appends the parameters in order.
    func bind(_ parameters: inout PostgresParameters)

    /// Reads a row. Called on the connection's queue.
    ///
    /// - Throws: an error that names the column.
    static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row
}

extension PostgresStatement {
    /// No parameters.
    package func bind(_ parameters: inout PostgresParameters) {}
}

extension PostgresStatement where Row == Void {
    /// Nothing to read.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
}
