extension PostgresError {
    /// What happened, seen from this side of the connection.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case server, connectFailed, connectionLost, connectionClosed, deadlineExceeded, cancelled, tooManyWaiting
            case commitOutcomeUnknown, transactionRolledBack, invalidConfiguration, invalidParameter, unexpectedValue
            case unexpectedResult
        }

        private let name: Name

        /// The server answered with an error: see ``PostgresError/report``.
        public static let server = Self(name: .server)
        /// No connection came about. Nothing was run.
        public static let connectFailed = Self(name: .connectFailed)
        /// The connection ended while a statement was under way: whether it took effect is unknown.
        public static let connectionLost = Self(name: .connectionLost)
        /// The connection had ended before the statement was sent. Nothing was run.
        public static let connectionClosed = Self(name: .connectionClosed)
        /// The deadline passed. Whether the statement took effect is unknown unless ``PostgresError/report`` is there.
        public static let deadlineExceeded = Self(name: .deadlineExceeded)
        /// The calling task was cancelled; otherwise as ``deadlineExceeded``.
        public static let cancelled = Self(name: .cancelled)
        /// Too many calls wait for this connection. Nothing was run.
        public static let tooManyWaiting = Self(name: .tooManyWaiting)
        /// The connection ended, or the deadline passed, during COMMIT: read the data again before deciding.
        public static let commitOutcomeUnknown = Self(name: .commitOutcomeUnknown)
        /// COMMIT was answered with ROLLBACK, since a statement of the transaction had failed before.
        public static let transactionRolledBack = Self(name: .transactionRolledBack)
        /// The connection string or a file it names is wrong.
        public static let invalidConfiguration = Self(name: .invalidConfiguration)
        /// A parameter cannot be sent: too many of them, or too large.
        public static let invalidParameter = Self(name: .invalidParameter)
        /// A column does not hold what the program asked it for.
        public static let unexpectedValue = Self(name: .unexpectedValue)
        /// The server answered in a way this client does not provide for, such as COPY.
        public static let unexpectedResult = Self(name: .unexpectedResult)

        /// The name of the code.
        public var description: String { name.rawValue }

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
