extension Bool: PostgresValue {
    /// `boolean`
    package static var type: PostgresType { .bool }

    /// One byte.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self ? UInt8(1) : 0) }

    /// `boolean`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Bool {
        guard field.type == .bool else { throw field.mismatch(.bool) }
        return try field.integer(UInt8.self) != 0
    }
}
