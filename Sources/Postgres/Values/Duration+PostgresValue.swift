extension Duration {
    /// Whole microseconds, towards zero; `nil` beyond 64 bits.
    var microseconds: Int64? {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return nil }
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return sumOverflow ? nil : sum
    }
}

extension Duration: PostgresValue {
    /// `interval`
    package static var type: PostgresType { .interval }

    /// Microseconds, no days, no months.
    package func encode(into buffer: inout PostgresBuffer) {
        guard let microseconds else { return buffer.fail("a duration does not fit into an interval") }
        buffer.append(microseconds)
        buffer.append(Int32(0))
        buffer.append(Int32(0))
    }

    /// `interval` without months: a day counts as 24 hours, a month has no length.
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> Duration {
        guard field.type == .interval else { throw field.mismatch(.interval) }
        let bytes = unsafe try field.bytes()
        guard bytes.count == 16 else { throw field.unexpected("has \(bytes.count) bytes") }
        let microseconds = unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        let days = unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        let months = unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self))
        guard months == 0 else { throw field.unexpected("counts months, which have no fixed length") }
        return .seconds(Int64(days) * 86_400) + .microseconds(microseconds)
    }
}
