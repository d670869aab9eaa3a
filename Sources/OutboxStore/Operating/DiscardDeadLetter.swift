package import Postgres

/// Gives a dead letter up for good. Fails with `no_data_found` where there is none.
package struct DiscardDeadLetter: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = "SELECT postrider.discard_dead_letter($1, $2)"

    private let id: Int64
    private let why: String

    /// - Parameter why: goes on record.
    package init(id: Int64, why: String) {
        self.id = id
        self.why = why
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
        parameters.append(why)
    }
}
