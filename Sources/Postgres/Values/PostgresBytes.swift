/// One `bytea` of an array of them. Alone, a `bytea` is a `[UInt8]`.
package struct PostgresBytes: Hashable, Sendable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension PostgresBytes: PostgresArrayElement {
    package static var type: PostgresType { .bytea }
    package static var arrayType: PostgresType { .byteaArray }
    /// A guess for small documents.
    package static var estimatedSize: Int { 1024 }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(bytes) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresBytes {
        PostgresBytes(try [UInt8].decode(field))
    }
}
