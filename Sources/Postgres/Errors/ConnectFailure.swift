/// Why no connection came about, read from what libpq says.
///
/// libpq keeps the SQLSTATE of a refusal to itself, but its verbose text holds it:
/// `connection to server … failed: FATAL:  28P01: password authentication failed for user "app"`, then `LOCATION: …`.
struct ConnectFailure {
    let error: PostgresError

    init(_ handle: borrowing ConnectionHandle, _ configuration: PostgresConfiguration) {
        self.init(configuration.redacted(handle.complaint), needsPassword: handle.needsPassword)
    }

    init(_ complaint: String, needsPassword: Bool) {
        let lines = complaint.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        let text = lines.joined(separator: "\n")
        guard let refusal = Self.refusal(in: text) else {
            let code: PostgresError.Code = needsPassword ? .invalidConfiguration : .connectFailed
            self.error = PostgresError(code, text.isEmpty ? "no connection" : text)
            return
        }
        self.error = PostgresError(.connectFailed, refusal.message, report: refusal)
    }

    /// What the server said: the last `SEVERITY:  SQLSTATE: message`.
    private static func refusal(in text: String) -> ServerReport? {
        guard let match = text.matches(of: #/(?<severity>\p{Lu}+): {2}(?<state>[0-9A-Z]{5}): (?<message>[^\n]*)/#).last
        else {
            return nil
        }
        return ServerReport(
            state: SQLState(rawValue: String(match.output.state)), severity: String(match.output.severity),
            message: String(match.output.message))
    }

    /// One error for all servers that were tried.
    ///
    /// A server that may come back outweighs one that refuses us: trying again can help.
    static func all(_ failures: [PostgresError]) -> PostgresError {
        guard let last = failures.last else { return PostgresError(.invalidConfiguration, "no server is named") }
        guard failures.count > 1, last.code != .cancelled else { return last }
        let decisive = failures.last { $0.kind == .reconnect } ?? last
        return PostgresError(
            decisive.code, failures.map(\.description).joined(separator: "; "), report: decisive.report)
    }
}
