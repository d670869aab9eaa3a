/// The five characters with which PostgreSQL says what went wrong.
///
/// The table is appendix A of the PostgreSQL manual, "PostgreSQL Error Codes".
package struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The code as the server sent it, such as `40001`.
    package let rawValue: String

    /// Takes any text: codes of extensions and of poolers are outside the table, too.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The first two characters, which name the family of the error.
    package var category: Substring { rawValue.prefix(2) }

    /// The code as the server sent it.
    package var description: String { rawValue }
}

extension SQLState {
    /// A serialization failure: the transaction may simply be run again.
    package static let serializationFailure = SQLState(rawValue: "40001")
    /// The server broke a deadlock by ending this transaction.
    package static let deadlockDetected = SQLState(rawValue: "40P01")
    /// A lock was not to be had at once, or within `lock_timeout`.
    package static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// The statement was cancelled, by us, by an operator or by `statement_timeout`.
    package static let queryCanceled = SQLState(rawValue: "57014")
    /// An operator ended this connection or the server.
    package static let adminShutdown = SQLState(rawValue: "57P01")
    /// The server takes no connections just now: it starts, stops or recovers.
    package static let cannotConnectNow = SQLState(rawValue: "57P03")
    /// The server is a standby.
    package static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    /// The server has no connection left for us.
    package static let tooManyConnections = SQLState(rawValue: "53300")
    /// A file system of the server is full.
    package static let diskFull = SQLState(rawValue: "53100")
    /// A row with this key exists.
    package static let uniqueViolation = SQLState(rawValue: "23505")
    /// No such table.
    package static let undefinedTable = SQLState(rawValue: "42P01")
    /// The role lacks a privilege.
    package static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// The password is wrong.
    package static let invalidPassword = SQLState(rawValue: "28P01")
    /// No such database.
    package static let undefinedDatabase = SQLState(rawValue: "3D000")
}
