extension PostgresError {
    /// What a service does about an error.
    package enum Kind: Sendable {
        /// The connection is fine: run the same statement again, a bounded number of times.
        case retry
        /// Forget the connection and make another one, perhaps to another server.
        case reconnect
        /// An operator has to change a setting, a privilege or the schema: say so clearly.
        case configuration
        /// The server lacks room: stop making work and probe.
        case resource
        /// The values are at fault, not the connection: trying again gives the same answer.
        case data
        /// The program is at fault.
        case bug
    }
}

extension PostgresError {
    /// Whether the values of one row may be at fault: the same asked for the other rows alone may work. True of values that
    /// the server cannot compute or send, of rows that it cannot read, of columns that hold something else than they should, and of
    /// rows that a constraint or a trigger of the owner's own refuses.
    package var mayConcernOneRow: Bool {
        if code == .unexpectedValue { return true }
        guard code == .server, let category = sqlState?.category else { return false }
        // Data exceptions, constraints, checks of views, program limits, what PL/pgSQL raises, internal errors (damaged rows among them).
        return ["22", "23", "44", "54", "P0", "XX"].contains(category)
    }
}

extension PostgresError.Kind {
    /// What to do about an error that the server reported.
    ///
    /// A code outside the table means reconnect: a fresh connection cures more than it harms.
    package init(_ state: SQLState) {
        self = Self.byCode[state.rawValue] ?? Self.byCategory[String(state.category)] ?? .reconnect
    }

    /// Codes that differ from the rest of their family.
    private static let byCode: [String: Self] = [
        "25006": .reconnect,  // read_only_sql_transaction: just demoted, the primary is elsewhere
        "25P03": .reconnect,  // idle_in_transaction_session_timeout: the server has hung up
        "26000": .reconnect,  // invalid_sql_statement_name: a pooler has lost our session
        "40002": .data,  // transaction_integrity_constraint_violation
        "40003": .reconnect,  // statement_completion_unknown
        "42501": .configuration,  // insufficient_privilege
        "42703": .configuration,  // undefined_column: the schema is older than the program
        "42704": .configuration,  // undefined_object
        "42883": .configuration,  // undefined_function
        "42P01": .configuration,  // undefined_table
        "42P05": .reconnect,  // duplicate_prepared_statement: a pooler has given us another client's session
        "53300": .reconnect,  // too_many_connections
        "55000": .configuration,  // object_not_in_prerequisite_state
        "57014": .retry,  // query_canceled
        "57P04": .configuration,  // database_dropped
        "P0001": .data,  // raise_exception
    ]

    private static let byCategory: [String: Self] = [
        "08": .reconnect,  // connection exception
        "0A": .bug,  // feature not supported
        "21": .bug,  // cardinality violation
        "22": .data,  // data exception
        "23": .data,  // integrity constraint violation
        "25": .bug,  // invalid transaction state
        "28": .configuration,  // invalid authorization specification
        "3D": .configuration,  // invalid catalog name
        "3F": .configuration,  // invalid schema name
        "40": .retry,  // transaction rollback
        "42": .bug,  // syntax error or access rule violation
        "44": .data,  // with check option violation
        "53": .resource,  // insufficient resources
        "54": .data,  // program limit exceeded
        "55": .retry,  // object in use, lock not available
        "57": .reconnect,  // operator intervention
        "58": .resource,  // system error outside PostgreSQL: I/O
        "72": .retry,  // snapshot too old
        "F0": .configuration,  // configuration file error
        "P0": .bug,  // PL/pgSQL
    ]
}
