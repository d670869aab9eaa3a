extension Bool: PostgresArrayElement {
    /// `boolean[]`
    package static var arrayType: PostgresType { .boolArray }
}

extension Int16: PostgresArrayElement {
    /// `smallint[]`
    package static var arrayType: PostgresType { .int2Array }
}

extension Int32: PostgresArrayElement {
    /// `integer[]`
    package static var arrayType: PostgresType { .int4Array }
}

extension Int64: PostgresArrayElement {
    /// `bigint[]`
    package static var arrayType: PostgresType { .int8Array }
}

extension Int: PostgresArrayElement {
    /// `bigint[]`
    package static var arrayType: PostgresType { .int8Array }
}

extension Float: PostgresArrayElement {
    /// `real[]`
    package static var arrayType: PostgresType { .float4Array }
}

extension Double: PostgresArrayElement {
    /// `double precision[]`
    package static var arrayType: PostgresType { .float8Array }
}

extension String: PostgresArrayElement {
    /// `text[]`
    package static var arrayType: PostgresType { .textArray }
    /// A guess for short words.
    package static var estimatedSize: Int { 32 }
}

extension PostgresTimestamp: PostgresArrayElement {
    /// `timestamptz[]`
    package static var arrayType: PostgresType { .timestamptzArray }
}

extension Duration: PostgresArrayElement {
    /// `interval[]`
    package static var arrayType: PostgresType { .intervalArray }
    /// Microseconds, days, months.
    package static var estimatedSize: Int { 16 }
}

extension PostgresInet: PostgresArrayElement {
    /// `inet[]`
    package static var arrayType: PostgresType { .inetArray }
    /// The size of an IPv6 address.
    package static var estimatedSize: Int { 20 }
}

extension PostgresJSON: PostgresArrayElement {
    /// `json[]`
    package static var arrayType: PostgresType { .jsonArray }
    /// A guess for small documents.
    package static var estimatedSize: Int { 128 }
}

extension PostgresJSONB: PostgresArrayElement {
    /// `jsonb[]`
    package static var arrayType: PostgresType { .jsonbArray }
    /// A guess for small documents.
    package static var estimatedSize: Int { 128 }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    /// The type of an array of the values.
    package static var arrayType: PostgresType { Wrapped.arrayType }
    /// That of a value.
    package static var estimatedSize: Int { Wrapped.estimatedSize }
}

/// For PostgreSQL a run of bytes is one value, `bytea`, and no array: so `[UInt8]` is one too.
extension UInt8: PostgresArrayElement {
    /// `"char"`, which is never sent: bytes go together.
    package static var type: PostgresType { .char }
    /// `bytea`
    package static var arrayType: PostgresType { .bytea }

    /// One byte.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    /// `"char"`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> UInt8 {
        guard field.type == .char else { throw field.mismatch(.char) }
        return try field.integer()
    }

    /// The bytes as they are.
    package static func encodeArray(_ array: [UInt8], into buffer: inout PostgresBuffer) {
        buffer.append(array)
    }

    /// The bytes of a `bytea`, or of a text or document.
    package static func decodeArray(_ field: borrowing PostgresField) throws(PostgresError) -> [UInt8] {
        switch field.type {
        case .bytea, .json, .text, .varchar: unsafe Array(try field.bytes())
        case .jsonb: unsafe Array(try field.jsonbText())
        default: throw field.mismatch(.bytea)
        }
    }
}

extension Array: PostgresArrayElement where Element == UInt8 {
    /// `bytea[]`
    package static var arrayType: PostgresType { .byteaArray }
    /// A guess for small bodies.
    package static var estimatedSize: Int { 128 }
}
