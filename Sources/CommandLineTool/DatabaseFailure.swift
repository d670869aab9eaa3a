import OutboxStore
import Postgres

/// What a failure of the database means for a command: the exit code, and what to do.
enum DatabaseFailure {
    static func status(_ error: PostgresError) -> CommandStatus {
        switch (error.kind, error.sqlState?.category) {
        // The database is there, and said that it could not do this now.
        case (.retry, _) where error.report != nil: .failure
        case (_, "P0"): .badData
        case (.data, _): .badData
        case (.configuration, _): error.sqlState == .undefinedDatabase ? .databaseUnavailable : .configuration
        case (.reconnect, _), (.resource, _), (.retry, _): .databaseUnavailable
        case (.bug, _): .failure
        }
    }

    /// The error in one line, with the next step where there is an obvious one.
    static func message(_ error: PostgresError, _ source: DatabaseAddress.Source) -> String {
        // Here the schema's own functions say what is wrong. Naming the database would add nothing.
        guard status(error) != .badData else { return error.message }
        return remedy(error, source).map { "\(error). \($0)" } ?? "\(error)"
    }

    /// The next step where there is an obvious one.
    ///
    /// - Parameter source: what named the database. A person who mends the address must know where it stands.
    static func remedy(_ error: PostgresError, _ source: DatabaseAddress.Source) -> String? {
        switch error.sqlState {
        case SQLState.undefinedTable, SQLState(rawValue: "3F000"), SQLState(rawValue: "42883"),
            SQLState(rawValue: "42703"):
            return "The schema is missing or too old. Run: postrider migrate"
        case SQLState.insufficientPrivilege:
            return "Grant the role you log in with postrider_operator (postrider_producer to publish, "
                + "postrider_worker to run a worker or test an endpoint)."
        case SQLState.undefinedDatabase:
            return "Create the database, or name another one. \(source.sentence)"
        case SQLState.invalidPassword, SQLState(rawValue: "28000"):
            return "Check the user, the password and pg_hba.conf. \(source.sentence)"
        case SQLState(rawValue: "25006"):
            return "This is a standby: name the primary. \(source.sentence)"
        case SQLState(rawValue: "40P01"), SQLState(rawValue: "40001"), SQLState(rawValue: "55P03"),
            SQLState(rawValue: "57014"):
            return "Something else held what this needs, or it took too long; nothing was changed. Run it again."
        case SQLState(rawValue: "53300"):
            return "All connections are in use: raise max_connections, or put a pooler in between."
        default:
            break
        }
        switch error.code {
        case .invalidConfiguration: return source.sentence
        case .connectFailed: return "Check that PostgreSQL runs there. \(source.sentence)"
        default: return nil
        }
    }
}
