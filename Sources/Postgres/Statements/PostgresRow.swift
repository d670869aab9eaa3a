internal import CLibPQ

/// A row of a result, in binary format. Lives only while it is decoded.
@safe
package struct PostgresRow: ~Copyable {
    private let result: OpaquePointer
    private let row: Int32

    init(_ result: OpaquePointer, row: Int32) {
        unsafe self.result = unsafe result
        self.row = row
    }

    /// How many columns there are.
    package var count: Int { unsafe Int(PQnfields(result)) }

    /// Reads a column, counted from 0.
    ///
    /// - Throws: code ``PostgresError/Code/unexpectedValue``, naming the column, where there is none, where it is NULL and
    ///   the type is not an optional, and where it holds something else.
    package func column<Value: PostgresValue>(_ index: Int, as _: Value.Type = Value.self) throws(PostgresError)
        -> Value
    {
        try Value.decode(field(index))
    }

    /// Reads a column that counts microseconds.
    package func microseconds(_ index: Int) throws(PostgresError) -> Duration {
        .microseconds(try column(index, as: Int64.self))
    }

    /// Reads a column that counts microseconds or is NULL.
    package func microseconds(_ index: Int) throws(PostgresError) -> Duration? {
        try column(index, as: Int64?.self).map { .microseconds($0) }
    }

    private func field(_ index: Int) throws(PostgresError) -> PostgresField {
        guard let column = Int32(exactly: index), unsafe (0..<PQnfields(result)).contains(column) else {
            throw PostgresError(.unexpectedValue, "the row has no column \(index)")
        }
        let type = unsafe PostgresType(rawValue: PQftype(result, column))
        var content: UnsafeRawBufferPointer?
        if unsafe PQgetisnull(result, row, column) == 0 {
            unsafe content = unsafe UnsafeRawBufferPointer(
                start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        }
        return unsafe PostgresField(type: type, content: content, result: result, column: column)
    }
}
