/// What the server said about an error, field by field.
///
/// Only ``message`` is ever shown unasked: ``detail`` may quote rows.
package final class ServerReport: Sendable {
    package let state: SQLState
    /// `ERROR`, `FATAL` or `PANIC`, in English on a server of any language.
    package let severity: String
    package let message: String
    /// More about it. May hold data of rows: not for logs.
    package let detail: String?
    /// The table, with its schema.
    package let table: String?
    package let column: String?
    package let constraint: String?

    package init(
        state: SQLState, severity: String, message: String, detail: String? = nil,
        table: String? = nil, column: String? = nil, constraint: String? = nil
    ) {
        self.state = state
        self.severity = severity
        self.message = message
        self.detail = detail
        self.table = table
        self.column = column
        self.constraint = constraint
    }

    /// Whether the message may quote what a row or a parameter holds. Those about encodings quote the encodings alone.
    var quotesValues: Bool {
        state.category == "22" && state.rawValue != "22021" && state.rawValue != "22P05"
    }

    /// Whether the server has hung up after this.
    var endsConnection: Bool { severity == "FATAL" || severity == "PANIC" }
}

/// The five characters with which PostgreSQL says what went wrong.
///
/// The table is appendix A of the PostgreSQL manual, "PostgreSQL Error Codes".
package struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// As the server sent it, such as `40001`.
    package let rawValue: String

    /// Takes any text: codes of extensions and of poolers are outside the table, too.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The first two characters, which name the family of the error.
    package var category: Substring { rawValue.prefix(2) }

    package var description: String { rawValue }
}

extension SQLState {
    /// The statement was cancelled, by us, by an operator or by `statement_timeout`.
    package static let queryCanceled = SQLState(rawValue: "57014")
    /// The server is a standby.
    package static let lockNotAvailable = SQLState(rawValue: "55P03")
    package static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    package static let undefinedTable = SQLState(rawValue: "42P01")
    /// The role lacks a privilege.
    package static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// The password is wrong.
    package static let invalidPassword = SQLState(rawValue: "28P01")
    package static let undefinedDatabase = SQLState(rawValue: "3D000")
    /// The server keeps no statement of that name.
    package static let invalidStatementName = SQLState(rawValue: "26000")
    /// The server keeps a statement of that name already.
    package static let duplicatePreparedStatement = SQLState(rawValue: "42P05")
    /// Among others: what a kept statement returns is no longer what it was.
    package static let featureNotSupported = SQLState(rawValue: "0A000")
}
