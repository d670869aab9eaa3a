extension String: PostgresValue {
    /// `text`
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
        case .inet:
            return try PostgresInet.decode(field).text
        default:
            throw field.mismatch(.text)
        }
    }
}
