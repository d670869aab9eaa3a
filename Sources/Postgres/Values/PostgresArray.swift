/// A type of which PostgreSQL has arrays.
///
/// The format (src/backend/utils/adt/arrayfuncs.c, `array_send`): dimensions, whether there are NULLs, type of the elements; per
/// dimension its length and lower bound; per element its length, -1 for NULL, and its bytes.
package protocol PostgresArrayElement: PostgresValue {
    static var arrayType: PostgresType { get }

    /// About how many bytes an element takes, so that the buffer grows once.
    static var estimatedSize: Int { get }

    static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer)

    static func decodeArray(_ field: borrowing PostgresField) throws(PostgresError) -> [Self]
}

extension PostgresArrayElement {
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
    package static var type: PostgresType { Element.arrayType }

    package func encode(into buffer: inout PostgresBuffer) { Element.encodeArray(self, into: &buffer) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> [Element] {
        try Element.decodeArray(field)
    }
}

extension Int16: PostgresArrayElement {
    package static var arrayType: PostgresType { .int2Array }
}

extension Int32: PostgresArrayElement {
    package static var arrayType: PostgresType { .int4Array }
}

extension Int64: PostgresArrayElement {
    package static var arrayType: PostgresType { .int8Array }
}

extension String: PostgresArrayElement {
    package static var arrayType: PostgresType { .textArray }
    /// A guess for short words.
    package static var estimatedSize: Int { 32 }
}

extension PostgresTimestamp: PostgresArrayElement {
    package static var arrayType: PostgresType { .timestamptzArray }
}

extension Duration: PostgresArrayElement {
    package static var arrayType: PostgresType { .intervalArray }
    package static var estimatedSize: Int { 16 }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    package static var arrayType: PostgresType { Wrapped.arrayType }
    package static var estimatedSize: Int { Wrapped.estimatedSize }
}

/// For PostgreSQL a run of bytes is one value, `bytea`, and no array: so `[UInt8]` is one too.
extension UInt8: PostgresArrayElement {
    /// `"char"`, which is never sent: bytes go together.
    package static var type: PostgresType { .char }
    package static var arrayType: PostgresType { .bytea }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> UInt8 {
        guard field.type == .char else { throw field.mismatch(.char) }
        return try field.integer()
    }

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

/// Walks over the binary format of an array; ends, rather than reading past the end.
@safe
struct ArrayReader {
    private var rest: Slice<UnsafeRawBufferPointer>

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.rest = unsafe bytes[...]
    }

    /// The number of elements; `nil` for a broken header or several dimensions.
    mutating func header() -> Int? {
        guard let dimensions = integer(), integer() != nil, integer() != nil else { return nil }
        guard dimensions != 0 else { return 0 }
        guard dimensions == 1, let count = integer(), integer() != nil else { return nil }
        // Each element takes at least four bytes: no count can make us reserve more than we were sent.
        guard count >= 0, unsafe Int(count) <= rest.count / 4 else { return nil }
        return Int(count)
    }

    /// The bytes of the next element, `.some(nil)` for NULL, `nil` where the array ends too early.
    mutating func element() -> UnsafeRawBufferPointer?? {
        guard let length = integer() else { return nil }
        guard length >= 0 else { return unsafe .some(nil) }
        guard unsafe Int(length) <= rest.count else { return nil }
        let content = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length)))
        unsafe rest = unsafe rest.dropFirst(Int(length))
        return unsafe .some(content)
    }

    private mutating func integer() -> Int32? {
        guard unsafe rest.count >= 4 else { return nil }
        let value = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(4)).loadUnaligned(as: Int32.self)
        unsafe rest = unsafe rest.dropFirst(4)
        return Int32(bigEndian: value)
    }
}
