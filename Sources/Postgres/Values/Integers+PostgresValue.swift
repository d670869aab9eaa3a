extension PostgresField {
    /// An integer of any width that fits into the wanted one.
    func anyInteger<Integer: FixedWidthInteger>(_ wanted: PostgresType) throws(PostgresError) -> Integer {
        let wide: Int64 =
            switch type {
            case .int8: try integer()
            case .int4: Int64(try integer(Int32.self))
            case .int2: Int64(try integer(Int16.self))
            case .oid: Int64(try integer(UInt32.self))
            case .xid8: Int64(bitPattern: try integer(UInt64.self))
            default: throw isNull ? unexpected("is NULL") : mismatch(wanted)
            }
        guard let value = Integer(exactly: wide) else { throw unexpected("is out of the range of \(wanted)") }
        return value
    }
}

extension Int16: PostgresValue {
    /// `smallint`
    package static var type: PostgresType { .int2 }

    /// Two bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    /// Any integer in range.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int16 {
        try field.anyInteger(.int2)
    }
}

extension Int32: PostgresValue {
    /// `integer`
    package static var type: PostgresType { .int4 }

    /// Four bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    /// Any integer in range.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int32 {
        try field.anyInteger(.int4)
    }
}

extension Int64: PostgresValue {
    /// `bigint`
    package static var type: PostgresType { .int8 }

    /// Eight bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    /// Any integer; `oid` and `xid8` too.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int64 {
        try field.anyInteger(.int8)
    }
}

extension Int: PostgresValue {
    /// `bigint`
    package static var type: PostgresType { .int8 }

    /// Eight bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(Int64(self)) }

    /// Any integer in range.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int {
        try field.anyInteger(.int8)
    }
}
