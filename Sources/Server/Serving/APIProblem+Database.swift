import CustomerAPI
import Postgres

extension APIProblem {
    /// How long one should wait who is told nothing better, in seconds.
    static let usualWait = 5

    /// What an error of the database means to a customer. See the head of migrations/0016_tokens.sql.
    ///
    /// Only texts that were written for them are shown: others name roles, tables and other tenants.
    init(_ error: PostgresError) {
        let message = error.report?.message ?? ""
        switch error.sqlState?.rawValue {
        case "P0401": self.init(.unauthorized, message)
        case "P0403": self.init(.readOnly, message)
        case "P0002": self.init(.notFound, "there is no such webhook or delivery")
        case "23505": self.init(.conflict, "there is a webhook of this name already", field: "name")
        case "P0409": self.init(.conflict, message)
        case "P0412": self.init(.preconditionFailed, message)
        case "P0422": self.init(.keyReused, message, field: "Idempotency-Key")
        case "P0429": self.init(.rateLimited, message, retryAfter: Self.usualWait)
        // A hundred replays of all tenants are running.
        case "54000": self.init(.rateLimited, "too many replays are running", retryAfter: Self.usualWait)
        case "23514": self = Self.broken(message, column: error.report?.column)
        case let state? where state.hasPrefix("22"):
            self.init(.invalidRequest, "a value is not one that the database can read")
        default:
            switch error.kind {
            case .retry, .reconnect, .resource, .configuration:
                self.init(.unavailable, "this cannot be done just now", retryAfter: Self.usualWait)
            case .data, .bug: self.init(.internalError, "this went wrong; the log of the service says how")
            }
        }
    }

    /// A rule that a value breaks, in the words of the API.
    private static func broken(_ message: String, column: String?) -> APIProblem {
        let place = "postrider.outbox: "
        var rule = message.hasPrefix(place) ? String(message.dropFirst(place.count)) : message
        guard let column else { return APIProblem(.invalid, rule) }
        let field = ["url": "webhook_url", "idempotency_key": "Idempotency-Key"][column] ?? column
        if rule.hasPrefix("\(column) ") { rule = field + rule.dropFirst(column.count) }
        return APIProblem(.invalid, rule, field: field)
    }

    /// Whether the operator should see why.
    var isOurs: Bool { status >= 500 }
}
