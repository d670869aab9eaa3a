internal import CLibPQ

/// Owns one `PGresult` and frees it.
///
/// libpq manual, 34.20 "Behavior in Threaded Programs": a result is read-only once it has been made, so it may be read
/// anywhere; ours never leave the connection's queue.
@safe
struct ResultHandle: ~Copyable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe PQclear(pointer)
    }

    var status: ExecStatusType { unsafe PQresultStatus(pointer) }

    var rowCount: Int32 { unsafe PQntuples(pointer) }

    var columnCount: Int32 { unsafe PQnfields(pointer) }

    /// What the server says it has done, such as `INSERT 0 1`.
    var commandTag: String { unsafe PQcmdStatus(pointer).map { unsafe String(cString: $0) } ?? "" }

    /// How many rows the command inserted, changed, deleted or returned.
    var affectedRows: Int { unsafe PQcmdTuples(pointer).flatMap { unsafe Int(String(cString: $0)) } ?? 0 }

    /// A row; it must not outlive the result.
    func row(_ index: Int32) -> PostgresRow { unsafe PostgresRow(pointer, row: index) }

    /// A value in text format, `nil` for NULL.
    func text(_ row: Int32, _ column: Int32) -> String? {
        guard unsafe PQgetisnull(pointer, row, column) == 0 else { return nil }
        return unsafe PQgetvalue(pointer, row, column).map { unsafe String(cString: $0) }
    }

    func columnName(_ column: Int32) -> String { unsafe Self.columnName(pointer, column) }

    static func columnName(_ result: OpaquePointer, _ column: Int32) -> String {
        unsafe PQfname(result, column).map { unsafe String(cString: $0) } ?? String(column)
    }

    /// What the server said, if this is an error or a notice.
    var report: ServerReport { unsafe Self.report(pointer) }

    static func report(_ result: OpaquePointer) -> ServerReport {
        func field(_ code: Character) -> String? {
            code.asciiValue.flatMap { code in
                unsafe PQresultErrorField(result, Int32(code)).map { unsafe String(cString: $0) }
            }
        }
        let text = unsafe PQresultErrorMessage(result).map { unsafe String(cString: $0) }
        let table = field("t").map { name in field("s").map { "\($0).\(name)" } ?? name }
        return ServerReport(
            // An error without a code is libpq's own: the connection has broken.
            state: SQLState(rawValue: field("C") ?? "08006"), severity: field("V") ?? field("S") ?? "FATAL",
            message: field("M") ?? text ?? "unknown error",
            detail: field("D"), table: table, column: field("c"), constraint: field("n"))
    }
}
