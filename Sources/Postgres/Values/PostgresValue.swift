/// A Swift type that PostgreSQL's binary format can carry.
package protocol PostgresValue: Sendable {
    /// The type it is sent as.
    static var type: PostgresType { get }

    /// Whether it is NULL. Only optionals are.
    var isNull: Bool { get }

    /// Appends the value in binary format, without a length.
    func encode(into buffer: inout PostgresBuffer)

    /// - Throws: code ``PostgresError/Code/unexpectedValue``, naming the column.
    static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Self
}

extension PostgresValue {
    package var isNull: Bool { false }
}

extension Optional: PostgresValue where Wrapped: PostgresValue {
    package static var type: PostgresType { Wrapped.type }

    package var isNull: Bool { self?.isNull ?? true }

    package func encode(into buffer: inout PostgresBuffer) {
        self?.encode(into: &buffer)
    }

    /// `nil` for NULL, otherwise the value.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Self {
        field.isNull ? nil : try Wrapped.decode(field)
    }
}
