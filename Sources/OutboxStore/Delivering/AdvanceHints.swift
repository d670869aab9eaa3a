public import Postgres

/// Moves the low-water hints of lanes up to their first live rows.
public struct AdvanceHints: PostgresStatement {
    /// There are no rows to read.
    public typealias Row = Void

    /// The text of the statement.
    public static let sql = "SELECT postrider.advance_hints($1)"

    private let lanes: [Int32]

    /// - Parameter lanes: the lanes that had work lately.
    public init(lanes: [Int32]) {
        self.lanes = lanes
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(lanes)
    }
}
