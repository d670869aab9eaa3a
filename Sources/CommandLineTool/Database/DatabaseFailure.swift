import OutboxStore
import Postgres

/// What a failure of the database means for a command: its exit code, and what to do about it.
enum DatabaseFailure {
    static func status(_ error: PostgresError) -> CommandStatus {
        switch (error.kind, error.sqlState?.category) {
        case (_, "P0"): .badData
        case (.data, _): .badData
        case (.configuration, _): error.sqlState == .undefinedDatabase ? .databaseUnavailable : .configuration
        case (.reconnect, _), (.resource, _), (.retry, _): .databaseUnavailable
        case (.bug, _): .failure
        }
    }

    /// The error in one line, with the next step where there is an obvious one.
    static func message(_ error: PostgresError) -> String {
        switch error.sqlState {
        case SQLState.undefinedTable, SQLState(rawValue: "3F000"), SQLState(rawValue: "42883"):
            "\(error). Is the schema there? Run: postrider migrate"
        case SQLState.insufficientPrivilege:
            "\(error). Grant the role you log in with postrider_operator (or postrider_worker for the worker)."
        case SQLState.undefinedDatabase:
            "\(error). Create the database, or name another one in POSTRIDER_DATABASE_URL."
        default: error.sqlState?.category == "P0" || error.kind == .data ? error.message : "\(error)"
        }
    }
}
