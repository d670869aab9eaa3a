/// Why a call to PostgreSQL failed.
///
/// ``description`` is one line that may be shown to people and logged: it names the database, never a password and
/// never data of rows.
package struct PostgresError: Error, Sendable {
    /// What happened, seen from this side.
    package let code: Code
    /// One line, safe to show.
    package let message: String
    /// What the server said, where it said something.
    package let report: ServerReport?
    /// Which database, such as `database app at db1:5432`.
    package private(set) var place: String?
    /// Of several statements that were sent together, the place of the one that failed.
    package private(set) var statement: Int?

    package init(_ code: Code, _ message: String, report: ServerReport? = nil, place: String? = nil) {
        self.code = code
        self.message = OneLine.text(message)
        self.report = report
        self.place = place
    }

    init(_ report: ServerReport) {
        self.init(.server, report.quotesValues ? OneLine.withoutQuotes(report.message) : report.message, report: report)
    }

    /// What a service does about it.
    package var kind: Kind {
        guard let report else { return code.kind }
        return code == .server || code == .connectFailed ? Kind(report.state) : code.kind
    }

    package var sqlState: SQLState? { report?.state }

    /// The same error, of one of several statements.
    func ofStatement(at place: Int) -> PostgresError {
        var error = self
        error.statement = place
        return error
    }

    /// The same error, naming the database unless it does so already.
    func at(_ place: String) -> PostgresError {
        guard self.place == nil else { return self }
        var error = self
        error.place = place
        return error
    }
}

extension PostgresError: CustomStringConvertible {
    package var description: String {
        var notes: [String] = []
        if let state = report?.state { notes.append("SQLSTATE \(state)") }
        if let place { notes.append(place) }
        return notes.isEmpty ? message : "\(message) (\(notes.joined(separator: ", ")))"
    }
}

extension PostgresError {
    /// What happened, seen from this side of the connection.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case server, connectFailed, connectionLost, connectionClosed, deadlineExceeded, cancelled, tooManyWaiting
            case commitOutcomeUnknown, transactionRolledBack, invalidConfiguration, invalidParameter, unexpectedValue
            case unexpectedResult
        }

        private let name: Name

        /// The server answered with an error: see ``PostgresError/report``.
        package static let server = Self(name: .server)
        /// No connection came about. Nothing was run.
        package static let connectFailed = Self(name: .connectFailed)
        /// The connection ended while a statement ran: whether it took effect is unknown.
        package static let connectionLost = Self(name: .connectionLost)
        /// The connection had ended before the statement was sent. Nothing was run.
        package static let connectionClosed = Self(name: .connectionClosed)
        /// The deadline passed. Whether the statement took effect is unknown unless ``PostgresError/report`` is there.
        package static let deadlineExceeded = Self(name: .deadlineExceeded)
        /// The calling task was cancelled; otherwise as ``deadlineExceeded``.
        package static let cancelled = Self(name: .cancelled)
        /// Too many calls wait for this connection. Nothing was run.
        package static let tooManyWaiting = Self(name: .tooManyWaiting)
        /// The connection ended, or the deadline passed, during COMMIT: read the data again before deciding.
        package static let commitOutcomeUnknown = Self(name: .commitOutcomeUnknown)
        /// COMMIT was answered with ROLLBACK, since a statement of the transaction had failed before.
        package static let transactionRolledBack = Self(name: .transactionRolledBack)
        /// The connection string or a file it names is wrong.
        package static let invalidConfiguration = Self(name: .invalidConfiguration)
        /// A parameter cannot be sent: too many of them, or too large.
        package static let invalidParameter = Self(name: .invalidParameter)
        /// A column does not hold what the program asked it for.
        package static let unexpectedValue = Self(name: .unexpectedValue)
        /// The server answered in a way this client does not provide for, such as COPY.
        package static let unexpectedResult = Self(name: .unexpectedResult)

        package var description: String { name.rawValue }

        /// What to do about it where the server gave no SQLSTATE.
        var kind: Kind {
            switch name {
            case .server, .connectFailed, .connectionLost, .connectionClosed, .commitOutcomeUnknown: .reconnect
            case .deadlineExceeded, .cancelled, .tooManyWaiting: .retry
            case .transactionRolledBack, .invalidParameter, .unexpectedValue, .unexpectedResult: .bug
            case .invalidConfiguration: .configuration
            }
        }
    }
}

/// Brings text of other programs into a line that can be shown and logged.
enum OneLine {
    /// The most characters of a message that are kept.
    static let maximumLength = 500

    /// The text on one line, control characters replaced, cut to ``maximumLength``.
    static func text(_ text: String) -> String {
        let isPlain = text.utf8.count <= maximumLength && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !isPlain else { return text }
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop(while: \.isWhitespace).map { isControl($0) ? " " : $0 })
        }
        let joined = lines.joined(separator: "; ")
        return joined.count <= maximumLength ? joined : joined.prefix(maximumLength - 1) + "…"
    }

    /// The text without what stands between its first and its last quotation mark.
    ///
    /// libpq and the server quote what they could not read, and that may be part of a password or of a payload.
    static func withoutQuotes(_ text: String) -> String {
        guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\"") else { return text }
        guard first < last else { return String(text[..<first]) + "\"…" }
        return String(text[...first]) + "…" + String(text[last...])
    }

    private static func isControl(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F }
    }
}
