/// A result as text, with the names of its columns: for tools and tests.
package struct PostgresTable: Sendable, Equatable {
    /// The names of the columns.
    package let columns: [String]
    /// The values as PostgreSQL writes them, `nil` for NULL.
    package let rows: [[String?]]
    /// What the server says it has done, such as `INSERT 0 1`.
    package let commandTag: String

    init() {
        columns = []
        rows = []
        commandTag = ""
    }

    init(_ result: borrowing ResultHandle) {
        var names: [String] = []
        for column in 0..<result.columnCount { names.append(result.columnName(column)) }
        var rows: [[String?]] = []
        rows.reserveCapacity(Int(result.rowCount))
        for row in 0..<result.rowCount {
            var values: [String?] = []
            for column in 0..<result.columnCount { values.append(result.text(row, column)) }
            rows.append(values)
        }
        self.columns = names
        self.rows = rows
        self.commandTag = result.commandTag
    }

    /// The value of the first column of the first row.
    package var first: String? { rows.first?.first ?? nil }

    /// The values of a column, by its name; none where there is no such column.
    package func values(_ column: String) -> [String?] {
        guard let index = columns.firstIndex(of: column) else { return [] }
        return rows.map { $0[index] }
    }
}
