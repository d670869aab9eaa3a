package import Postgres

/// Puts one dead letter back into its endpoint's lane. Fails with `no_data_found` where there is none.
package struct ReplayDeadLetter: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT postrider.replay_dead_letter($1)"

    private let id: Int64

    /// - Parameter id: of the dead letter.
    package init(id: Int64) {
        self.id = id
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
    }

    /// How many were put back: 1.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
