/// A type of which PostgreSQL has arrays.
///
/// The format (src/backend/utils/adt/arrayfuncs.c, `array_send`): dimensions, whether there are NULLs, type of the elements; per
/// dimension its length and lower bound; per element its length, -1 for NULL, and its bytes.
package protocol PostgresArrayElement: PostgresValue {
    /// The type of an array of it.
    static var arrayType: PostgresType { get }

    /// About how many bytes an element takes, so that the buffer grows once.
    static var estimatedSize: Int { get }

    /// Appends an array.
    static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer)

    /// Reads an array.
    static func decodeArray(_ field: borrowing PostgresField) throws(PostgresError) -> [Self]
}

extension PostgresArrayElement {
    /// Eight bytes.
    package static var estimatedSize: Int { 8 }

    /// An array of one dimension that starts at 1.
    package static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer) {
        guard let count = Int32(exactly: array.count) else { return buffer.fail("an array has too many elements") }
        buffer.reserve(20 + array.count * (4 + estimatedSize))
        buffer.append(Int32(array.isEmpty ? 0 : 1))
        buffer.append(Int32(array.contains(where: \.isNull) ? 1 : 0))
        buffer.append(type.rawValue)
        guard !array.isEmpty else { return }
        buffer.append(count)
        buffer.append(Int32(1))
        for element in array {
            if element.isNull {
                buffer.append(Int32(-1))
            } else {
                buffer.appendWithLength { element.encode(into: &$0) }
            }
        }
    }

    /// An array of at most one dimension.
    package static func decodeArray(_ field: borrowing PostgresField) throws(PostgresError) -> [Self] {
        guard field.type == arrayType else { throw field.mismatch(arrayType) }
        var reader = unsafe ArrayReader(try field.bytes())
        guard let count = reader.header() else { throw field.unexpected("is not an array of one dimension") }
        var array: [Self] = []
        array.reserveCapacity(count)
        for _ in 0..<count {
            guard let content = unsafe reader.element() else { throw field.unexpected("is a broken array") }
            unsafe array.append(try decode(field.element(type, content)))
        }
        return array
    }
}

extension Array: PostgresValue where Element: PostgresArrayElement {
    /// The type of an array of the elements.
    package static var type: PostgresType { Element.arrayType }

    /// An array of one dimension.
    package func encode(into buffer: inout PostgresBuffer) { Element.encodeArray(self, into: &buffer) }

    /// An array of at most one dimension.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> [Element] {
        try Element.decodeArray(field)
    }
}
