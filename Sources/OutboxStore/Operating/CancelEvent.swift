package import Postgres

/// Cancels what is not delivered of an event yet and returns how many deliveries that were. Fails with `no_data_found`.
package struct CancelEvent: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.cancel_event($1)"

    private let id: Int64

    /// - Parameter id: of the event.
    package init(id: Int64) {
        self.id = id
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
