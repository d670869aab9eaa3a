/// The five characters with which PostgreSQL says what went wrong.
///
/// The table is appendix A of the PostgreSQL manual, "PostgreSQL Error Codes".
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The code as the server sent it, such as `40001`.
    public let rawValue: String

    /// Takes any text: codes of extensions and of poolers are outside the table, too.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The first two characters, which name the family of the error.
    public var category: Substring { rawValue.prefix(2) }

    /// The code as the server sent it.
    public var description: String { rawValue }
}

extension SQLState {
    /// A serialization failure: the transaction may simply be run again.
    public static let serializationFailure = SQLState(rawValue: "40001")
    /// The server broke a deadlock by ending this transaction.
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    /// A lock was not to be had at once, or within `lock_timeout`.
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// The statement was cancelled, by us, by an operator or by `statement_timeout`.
    public static let queryCanceled = SQLState(rawValue: "57014")
    /// An operator ended this connection or the server.
    public static let adminShutdown = SQLState(rawValue: "57P01")
    /// The server takes no connections just now: it starts, stops or recovers.
    public static let cannotConnectNow = SQLState(rawValue: "57P03")
    /// The server is a standby.
    public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    /// The server has no connection left for us.
    public static let tooManyConnections = SQLState(rawValue: "53300")
    /// A file system of the server is full.
    public static let diskFull = SQLState(rawValue: "53100")
    /// A row with this key exists.
    public static let uniqueViolation = SQLState(rawValue: "23505")
    /// No such table.
    public static let undefinedTable = SQLState(rawValue: "42P01")
    /// The role lacks a privilege.
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// The password is wrong.
    public static let invalidPassword = SQLState(rawValue: "28P01")
    /// No such database.
    public static let undefinedDatabase = SQLState(rawValue: "3D000")
}
