/// How a command ended, by the numbers of BSD's `sysexits.h`.
package enum CommandStatus: Int32, Sendable {
    /// Done.
    case done = 0
    /// Any other failure.
    case failure = 1
    /// The command line breaks a rule (`EX_USAGE`).
    case usage = 64
    /// Data that was given breaks a rule (`EX_DATAERR`).
    case badData = 65
    /// The database cannot be reached (`EX_UNAVAILABLE`).
    case databaseUnavailable = 69
    /// The configuration cannot be used (`EX_CONFIG`).
    case configuration = 78
}
