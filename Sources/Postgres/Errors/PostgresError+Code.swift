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
        /// The connection ended while a statement was under way: whether it took effect is unknown.
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

        /// The name of the code.
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
