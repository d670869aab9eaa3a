/// A document of type `json`: PostgreSQL stores the bytes as they were written.
package struct PostgresJSON: Hashable, Sendable {
    /// The document in UTF-8. The server checks it.
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
    }
}

extension PostgresJSON: PostgresValue {
    package static var type: PostgresType { .json }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(bytes) }

    /// `json`, `jsonb` or text
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresJSON {
        switch field.type {
        case .json, .text, .varchar: unsafe PostgresJSON(Array(try field.bytes()))
        case .jsonb: unsafe PostgresJSON(Array(try field.jsonbText()))
        default: throw field.mismatch(.json)
        }
    }
}

/// A document of type `jsonb`: PostgreSQL keeps its meaning, not its bytes.
package struct PostgresJSONB: Hashable, Sendable {
    /// The document in UTF-8. The server checks it.
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
    }
}

extension PostgresJSONB: PostgresValue {
    package static var type: PostgresType { .jsonb }

    /// The version of the format, 1, and the document as text.
    package func encode(into buffer: inout PostgresBuffer) {
        buffer.append(UInt8(1))
        buffer.append(bytes)
    }

    /// `json` or `jsonb`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresJSONB {
        PostgresJSONB(try PostgresJSON.decode(field).bytes)
    }
}

extension PostgresField {
    /// The text of a `jsonb` value, whose binary format is a version byte before it.
    func jsonbText() throws(PostgresError) -> UnsafeRawBufferPointer {
        let bytes = unsafe try bytes()
        guard unsafe bytes.first == 1 else { throw unexpected("has an unknown version of jsonb") }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    }
}
