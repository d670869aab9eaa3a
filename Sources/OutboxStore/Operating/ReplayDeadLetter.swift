public import Postgres

/// Puts one dead letter back into its endpoint's lane. Fails with `no_data_found` where there is none.
public struct ReplayDeadLetter: PostgresStatement {
    /// The text of the statement.
    public static let sql = "SELECT postrider.replay_dead_letter($1)"

    private let id: Int64

    /// - Parameter id: of the dead letter.
    public init(id: Int64) {
        self.id = id
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
    }

    /// How many were put back: 1.
    public static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}
