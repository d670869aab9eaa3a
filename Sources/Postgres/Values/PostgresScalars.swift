extension Bool: PostgresValue {
    package static var type: PostgresType { .bool }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self ? UInt8(1) : 0) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Bool {
        guard field.type == .bool else { throw field.mismatch(.bool) }
        return try field.integer(UInt8.self) != 0
    }
}

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
    package static var type: PostgresType { .int2 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int16 {
        try field.anyInteger(.int2)
    }
}

extension Int32: PostgresValue {
    package static var type: PostgresType { .int4 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int32 {
        try field.anyInteger(.int4)
    }
}

extension Int64: PostgresValue {
    package static var type: PostgresType { .int8 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    /// Any integer; `oid` and `xid8` too.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int64 {
        try field.anyInteger(.int8)
    }
}

extension Int: PostgresValue {
    package static var type: PostgresType { .int8 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(Int64(self)) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Int {
        try field.anyInteger(.int8)
    }
}

extension Double: PostgresValue {
    package static var type: PostgresType { .float8 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(bitPattern) }

    /// `double precision` or `real`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Double {
        switch field.type {
        case .float8: Double(bitPattern: try field.integer())
        case .float4: Double(Float(bitPattern: try field.integer()))
        default: throw field.mismatch(.float8)
        }
    }
}

extension Float: PostgresValue {
    package static var type: PostgresType { .float4 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(bitPattern) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Float {
        guard field.type == .float4 else { throw field.mismatch(.float4) }
        return Float(bitPattern: try field.integer())
    }
}

extension String: PostgresValue {
    package static var type: PostgresType { .text }

    /// Its UTF-8. PostgreSQL refuses text that holds a zero byte, with SQLSTATE 22021.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(utf8) }

    /// Any type that is text in binary format too; `json` and `jsonb` as they are written.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> String {
        switch field.type {
        case .text, .varchar, .json, .name, .bpchar, .char, .unknown:
            return unsafe String(decoding: try field.bytes(), as: UTF8.self)
        case .jsonb:
            return unsafe String(decoding: try field.jsonbText(), as: UTF8.self)
        default:
            throw field.mismatch(.text)
        }
    }
}

extension Duration: PostgresValue {
    package static var type: PostgresType { .interval }

    /// Microseconds, no days, no months.
    package func encode(into buffer: inout PostgresBuffer) {
        guard let microseconds = Int64(exactly: attoseconds / 1_000_000_000_000) else {
            return buffer.fail("a duration does not fit into an interval")
        }
        buffer.append(microseconds)
        buffer.append(Int32(0))
        buffer.append(Int32(0))
    }

    /// `interval` without months: a day counts as 24 hours, a month has no length.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Duration {
        guard field.type == .interval else { throw field.mismatch(.interval) }
        let bytes = unsafe try field.bytes()
        guard bytes.count == 16 else { throw field.unexpected("has \(bytes.count) bytes") }
        let microseconds = unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        let days = unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        let months = unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self))
        guard months == 0 else { throw field.unexpected("counts months, which have no fixed length") }
        return .seconds(Int64(days) * 86_400) + .microseconds(microseconds)
    }
}
