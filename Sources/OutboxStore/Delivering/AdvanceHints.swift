package import Postgres

/// Moves the low-water hints of lanes up to their first live rows.
package struct AdvanceHints: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = "SELECT postrider.advance_hints($1)"

    private let lanes: [Int32]

    /// - Parameter lanes: the lanes that had work lately.
    package init(lanes: [Int32]) {
        self.lanes = lanes
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(lanes)
    }
}
