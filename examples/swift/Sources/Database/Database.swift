import CPostgres
import Glibc

/// One connection by libpq, with no more than the examples need. Where the database is, PGHOST, PGDATABASE, … say.
public final class Database {
    /// What the database refused, in its own words.
    public struct Failure: Error, CustomStringConvertible {
        /// The message.
        public let description: String
    }

    private let connection: OpaquePointer

    /// Connects.
    public init() throws {
        guard let connection = PQconnectdb("") else { throw Failure(description: "out of memory") }
        guard PQstatus(connection) == CONNECTION_OK else {
            defer { PQfinish(connection) }
            throw Failure(description: String(cString: PQerrorMessage(connection)))
        }
        self.connection = connection
    }

    deinit {
        PQfinish(connection)
    }

    /// Runs one statement. Returns how many rows it gave or changed.
    @discardableResult
    public func run(_ sql: String, _ values: String...) throws -> Int {
        var pointers = values.map { UnsafePointer<CChar>(strdup($0)) }
        defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
        let result = PQexecParams(connection, sql, Int32(values.count), nil, &pointers, nil, nil, 0)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK: return Int(PQntuples(result))
        case PGRES_COMMAND_OK: return Int(String(cString: PQcmdTuples(result))) ?? 0
        default: throw Failure(description: String(cString: PQerrorMessage(connection)))
        }
    }

    /// Commits what `body` did, or nothing of it when it throws.
    public func transaction(_ body: () throws -> Void) throws {
        try run("BEGIN")
        do {
            try body()
            try run("COMMIT")
        } catch {
            try run("ROLLBACK")
            throw error
        }
    }
}
