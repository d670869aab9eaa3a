/// The parameters of a statement, `$1`, `$2`, …, in the order in which they are appended.
///
/// All go out in binary format with their type. The connection keeps one of these and fills it again for each statement, so
/// that a statement costs no allocation here.
package struct PostgresParameters: Sendable {
    private var buffer = PostgresBuffer()
    private var starts: [Int] = []
    private var lengths: [Int32] = []
    private(set) var types: [UInt32] = []
    private var formats: [Int32] = []

    /// No parameters yet.
    package init() {}

    /// The most parameters of a statement: the protocol counts them in 16 bits.
    package static let maximumCount = 65_535

    /// How many there are.
    package var count: Int { starts.count }

    /// Appends the next parameter.
    ///
    /// What cannot be sent makes the statement fail with ``PostgresError/Code/invalidParameter``.
    package mutating func append<Value: PostgresValue>(_ value: Value) {
        let start = value.isNull ? Self.null : nextStart()
        if start != Self.null { value.encode(into: &buffer) }
        add(start: start, type: Value.type, format: 1)
    }

    /// Appends text whose type the server finds.
    mutating func append(untyped text: String?) {
        let start = text == nil ? Self.null : nextStart()
        if let text {
            if text.utf8.contains(0) { buffer.fail("a text parameter holds a zero byte") }
            buffer.append(text.utf8)
            buffer.append(UInt8(0))
        }
        add(start: start, type: .unspecified, format: 0)
    }

    mutating func removeAll() {
        buffer.removeAll()
        starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        types.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
    }

    /// Lends the parameters in the form libpq takes.
    func withPointers<Result>(
        _ body: (
            _ count: Int32, _ types: [UInt32], _ values: [UnsafePointer<CChar>?], _ lengths: [Int32], _ formats: [Int32]
        ) -> Result
    ) throws(PostgresError) -> Result {
        try check()
        let number = Int32(clamping: count)
        return unsafe buffer.bytes.withUnsafeBufferPointer { bytes in
            let base = unsafe UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            let values: [UnsafePointer<CChar>?] = unsafe starts.map { start in
                unsafe base.flatMap { start == Self.null ? nil : unsafe $0 + start }
            }
            return unsafe body(number, types, values, lengths, formats)
        }
    }

    /// Whether all can be sent.
    func check() throws(PostgresError) {
        if let failure = buffer.failure { throw failure }
        guard count <= Self.maximumCount else {
            throw PostgresError(.invalidParameter, "a statement has more than \(Self.maximumCount) parameters")
        }
    }

    private static let null = -1

    /// Where the next value begins: never at the very start of the buffer, so that a value without bytes has an address
    /// too, which libpq takes for NULL otherwise.
    private mutating func nextStart() -> Int {
        if buffer.count == 0 { buffer.append(UInt8(0)) }
        return buffer.count
    }

    private mutating func add(start: Int, type: PostgresType, format: Int32) {
        guard let length = Int32(exactly: start == Self.null ? 0 : buffer.count - start) else {
            return buffer.fail("a parameter is longer than 2 GB")
        }
        starts.append(start)
        lengths.append(length)
        types.append(type.rawValue)
        formats.append(format)
    }
}
