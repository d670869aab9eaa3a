/// One column of one row, or one element of an array in it, in binary format. Lives no longer than the row.
@safe
package struct PostgresField: ~Copyable {
    package let type: PostgresType

    private let result: OpaquePointer
    private let column: Int32
    private let content: UnsafeRawBufferPointer?

    init(type: PostgresType, content: UnsafeRawBufferPointer?, result: OpaquePointer, column: Int32) {
        self.type = type
        unsafe self.content = unsafe content
        unsafe self.result = unsafe result
        self.column = column
    }

    package var isNull: Bool { unsafe content == nil }

    private var columnName: String { unsafe ResultHandle.columnName(result, column) }

    func bytes() throws(PostgresError) -> UnsafeRawBufferPointer {
        guard let content = unsafe content else { throw unexpected("is NULL") }
        return unsafe content
    }

    /// The bytes of a value that has a fixed width.
    func integer<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) throws(PostgresError) -> Integer {
        let bytes = unsafe try bytes()
        guard bytes.count == MemoryLayout<Integer>.size else { throw unexpected("has \(bytes.count) bytes") }
        return unsafe Integer(bigEndian: bytes.loadUnaligned(as: Integer.self))
    }

    /// An element of the array that this field is.
    func element(_ type: PostgresType, _ content: UnsafeRawBufferPointer?) -> PostgresField {
        unsafe PostgresField(type: type, content: content, result: result, column: column)
    }

    /// An error that names the column: `column "attempts" is NULL`.
    package func unexpected(_ what: String) -> PostgresError {
        PostgresError(.unexpectedValue, "column \"\(columnName)\" \(what)")
    }

    /// An error for a type that the wanted one cannot be read from.
    package func mismatch(_ wanted: PostgresType) -> PostgresError {
        unexpected("has the type \(type), not \(wanted)")
    }
}
