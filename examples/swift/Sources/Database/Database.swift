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
        try execute(sql, values) { result in
            PQresultStatus(result) == PGRES_TUPLES_OK
                ? Int(PQntuples(result)) : Int(String(cString: PQcmdTuples(result))) ?? 0
        }
    }

    /// Runs one statement. Returns the rows that it gave, each value as text.
    public func rows(_ sql: String, _ values: String...) throws -> [[String?]] {
        try execute(sql, values) { result in
            (0..<PQntuples(result)).map { row in
                (0..<PQnfields(result)).map { column in
                    PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
                }
            }
        }
    }

    private func execute<Result>(
        _ sql: String, _ values: [String], _ read: (OpaquePointer?) -> Result
    ) throws -> Result {
        var pointers = values.map { UnsafePointer<CChar>(strdup($0)) }
        defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
        let result = PQexecParams(connection, sql, Int32(values.count), nil, &pointers, nil, nil, 0)
        defer { PQclear(result) }
        guard [PGRES_TUPLES_OK, PGRES_COMMAND_OK].contains(PQresultStatus(result)) else {
            throw Failure(description: String(cString: PQerrorMessage(connection)))
        }
        return read(result)
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

    /// Within a transaction: keeps what `body` did, or undoes it alone when it throws.
    public func savepoint(_ body: () throws -> Void) throws {
        try run("SAVEPOINT one")
        do {
            try body()
            try run("RELEASE one")
        } catch {
            try run("ROLLBACK TO one")
            throw error
        }
    }
}
