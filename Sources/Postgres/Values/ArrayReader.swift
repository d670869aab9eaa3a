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
