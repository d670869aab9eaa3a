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

    /// An error of this client.
    package init(_ code: Code, _ message: String, report: ServerReport? = nil, place: String? = nil) {
        self.code = code
        self.message = OneLine.text(message)
        self.report = report
        self.place = place
    }

    /// An error that the server reported.
    init(_ report: ServerReport) {
        self.init(
            .server, report.state.category == "22" ? OneLine.withoutQuotes(report.message) : report.message,
            report: report)
    }

    /// What a service does about it.
    package var kind: Kind {
        guard let report else { return code.kind }
        return code == .server || code == .connectFailed ? Kind(report.state) : code.kind
    }

    /// The server's SQLSTATE, where there is one.
    package var sqlState: SQLState? { report?.state }

    /// The same error, naming the database unless it does so already.
    func at(_ place: String) -> PostgresError {
        guard self.place == nil else { return self }
        var error = self
        error.place = place
        return error
    }
}

extension PostgresError: CustomStringConvertible {
    /// One line, safe to show and to log.
    package var description: String {
        var notes: [String] = []
        if let state = report?.state { notes.append("SQLSTATE \(state)") }
        if let place { notes.append(place) }
        return notes.isEmpty ? message : "\(message) (\(notes.joined(separator: ", ")))"
    }
}
