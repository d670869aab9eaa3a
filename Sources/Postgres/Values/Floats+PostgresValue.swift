extension Double: PostgresValue {
    /// `double precision`
    package static var type: PostgresType { .float8 }

    /// Eight bytes.
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
    /// `real`
    package static var type: PostgresType { .float4 }

    /// Four bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(bitPattern) }

    /// `real`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Float {
        guard field.type == .float4 else { throw field.mismatch(.float4) }
        return Float(bitPattern: try field.integer())
    }
}
