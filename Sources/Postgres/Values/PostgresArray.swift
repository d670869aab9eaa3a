/// A type of which PostgreSQL has arrays.
///
/// The format (src/backend/utils/adt/arrayfuncs.c, `array_send`): dimensions, whether there are NULLs, type of the elements; per
/// dimension its length and lower bound; per element its length, -1 for NULL, and its bytes.
package protocol PostgresArrayElement: PostgresValue {
    static var arrayType: PostgresType { get }

    /// About how many bytes an element takes, so that the buffer grows once.
    static var estimatedSize: Int { get }

    static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer)

    /// The same for an array that may hold NULLs.
    static func encodeArray(ofOptionals array: [Self?], into buffer: inout PostgresBuffer)

    static func decodeArray(_ field: borrowing PostgresField) throws(PostgresError) -> [Self]
}

extension PostgresArrayElement {
    package static var estimatedSize: Int { 8 }

    package static func encodeArray(_ array: [Self], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [Self?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
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

/// An array of one dimension that starts at 1.
///
/// Settling sends twenty arrays. Always in line, so that in the types below, which those arrays hold, no element costs a call
/// through a table of the protocol's functions.
@inline(__always)
private func encodeElements<Element: PostgresArrayElement>(of array: [Element], into buffer: inout PostgresBuffer) {
    guard let count = Int32(exactly: array.count) else { return buffer.fail("an array has too many elements") }
    buffer.reserve(20 + array.count * (4 + Element.estimatedSize))
    buffer.append(Int32(array.isEmpty ? 0 : 1))
    buffer.append(Int32(array.contains(where: \.isNull) ? 1 : 0))
    buffer.append(Element.type.rawValue)
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

extension Array: PostgresValue where Element: PostgresArrayElement {
    package static var type: PostgresType { Element.arrayType }

    package func encode(into buffer: inout PostgresBuffer) { Element.encodeArray(self, into: &buffer) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> [Element] {
        try Element.decodeArray(field)
    }
}

extension Int16: PostgresArrayElement {
    package static var arrayType: PostgresType { .int2Array }

    package static func encodeArray(_ array: [Int16], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [Int16?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }
}

extension Int32: PostgresArrayElement {
    package static var arrayType: PostgresType { .int4Array }

    package static func encodeArray(_ array: [Int32], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [Int32?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }
}

extension Int64: PostgresArrayElement {
    package static var arrayType: PostgresType { .int8Array }

    package static func encodeArray(_ array: [Int64], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [Int64?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }
}

extension String: PostgresArrayElement {
    package static var arrayType: PostgresType { .textArray }
    /// A guess for short words.
    package static var estimatedSize: Int { 32 }

    package static func encodeArray(_ array: [String], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [String?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }
}

extension PostgresTimestamp: PostgresArrayElement {
    package static var arrayType: PostgresType { .timestamptzArray }

    package static func encodeArray(_ array: [PostgresTimestamp], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }

    package static func encodeArray(ofOptionals array: [PostgresTimestamp?], into buffer: inout PostgresBuffer) {
        encodeElements(of: array, into: &buffer)
    }
}

extension Duration: PostgresArrayElement {
    package static var arrayType: PostgresType { .intervalArray }
    package static var estimatedSize: Int { 16 }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    package static var arrayType: PostgresType { Wrapped.arrayType }
    package static var estimatedSize: Int { Wrapped.estimatedSize }

    package static func encodeArray(_ array: [Wrapped?], into buffer: inout PostgresBuffer) {
        Wrapped.encodeArray(ofOptionals: array, into: &buffer)
    }
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
