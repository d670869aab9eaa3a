/// Where the values of a statement are gathered in binary format: one growing run of bytes, in network byte order.
package struct PostgresBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    /// What could not be encoded, if anything. The statement is then not sent.
    private(set) var failure: PostgresError?

    var count: Int { bytes.count }

    mutating func removeAll() {
        // A buffer that one large statement blew up is not kept for the life of the connection.
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        failure = nil
    }

    /// The capacity that is kept from one statement to the next.
    private static let keptCapacity = 1 << 20

    mutating func fail(_ why: String) {
        failure = failure ?? PostgresError(.invalidParameter, why)
    }

    mutating func reserve(_ more: Int) {
        let needed = bytes.count + more
        // Doubling, as `append` does: exact reservations would copy the buffer once per parameter.
        if needed > bytes.capacity { bytes.reserveCapacity(max(needed, 2 * bytes.capacity)) }
    }

    mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) {
        unsafe withUnsafeBytes(of: integer.bigEndian) { bigEndian in unsafe bytes.append(contentsOf: bigEndian) }
    }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    mutating func append(_ run: some Sequence<UInt8>) {
        bytes.append(contentsOf: run)
    }

    /// Writes over four bytes that are there already: for lengths that are known afterwards.
    private mutating func overwrite(at offset: Int, with integer: Int32) {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: integer.bigEndian, toByteOffset: offset, as: Int32.self)
        }
    }

    /// Appends what `write` appends, with its length before it, as array elements are sent.
    mutating func appendWithLength(_ write: (inout PostgresBuffer) -> Void) {
        let start = count
        append(Int32(0))
        write(&self)
        guard let length = Int32(exactly: count - start - 4) else { return fail("a value is longer than 2 GB") }
        overwrite(at: start, with: length)
    }
}
