public import Postgres

/// Gives a dead letter up for good. Fails with `no_data_found` where there is none.
public struct DiscardDeadLetter: PostgresStatement {
    /// There are no rows to read.
    public typealias Row = Void

    /// The text of the statement.
    public static let sql = "SELECT postrider.discard_dead_letter($1, $2)"

    private let id: Int64
    private let why: String

    /// - Parameter why: goes on record.
    public init(id: Int64, why: String) {
        self.id = id
        self.why = why
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
        parameters.append(why)
    }
}
