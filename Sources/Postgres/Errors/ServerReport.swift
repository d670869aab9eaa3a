/// What the server said about an error, field by field.
///
/// Only ``message`` is ever shown unasked: ``detail`` and ``context`` may quote rows.
package final class ServerReport: Sendable {
    /// What kind of error it is.
    package let state: SQLState
    /// `ERROR`, `FATAL` or `PANIC`, whatever the language of the server.
    package let severity: String
    /// The primary message, one line.
    package let message: String
    /// More about it. May hold data of rows: not for logs.
    package let detail: String?
    /// What to do about it, as the server sees it.
    package let hint: String?
    /// The table concerned, with its schema.
    package let table: String?
    /// The column concerned.
    package let column: String?
    /// The constraint concerned.
    package let constraint: String?

    /// A report with the fields that are known.
    package init(
        state: SQLState, severity: String, message: String, detail: String? = nil, hint: String? = nil,
        table: String? = nil, column: String? = nil, constraint: String? = nil
    ) {
        self.state = state
        self.severity = severity
        self.message = message
        self.detail = detail
        self.hint = hint
        self.table = table
        self.column = column
        self.constraint = constraint
    }

    /// Whether the server has hung up after this.
    var endsConnection: Bool { severity == "FATAL" || severity == "PANIC" }
}
