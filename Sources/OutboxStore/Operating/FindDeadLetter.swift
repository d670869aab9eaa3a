package import Postgres

/// A dead letter with its event's content; no row where there is none.
package struct FindDeadLetter: PostgresStatement {
    /// A dead letter and what it was to bring.
    package struct Row: Sendable {
        /// The dead letter.
        package var letter: DeadLetter
        /// What it was to bring.
        package var content: EventContent
    }

    /// The text of the statement.
    package static let sql = """
        SELECT \(DeadLetter.columns), d.payload, d.body, d.content_type
        FROM postrider.dead_letters d WHERE d.id = $1
        """

    private let id: Int64

    /// - Parameter id: of the dead letter.
    package init(id: Int64) {
        self.id = id
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(id)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(letter: try DeadLetter(row), content: try EventContent(row, from: 14))
    }
}
