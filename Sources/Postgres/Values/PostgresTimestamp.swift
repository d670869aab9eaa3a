/// A moment, as `timestamptz` holds it: microseconds since 2000-01-01 00:00 UTC, and two infinities.
package struct PostgresTimestamp: RawRepresentable, Hashable, Sendable {
    /// Microseconds since 2000-01-01 00:00 UTC.
    package var rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// After every moment.
    package static let infinity = PostgresTimestamp(rawValue: .max)
    /// Before every moment.
    package static let negativeInfinity = PostgresTimestamp(rawValue: .min)

    /// 2000-01-01 00:00 UTC in microseconds since 1970.
    private static let epoch: Int64 = 946_684_800_000_000

    /// A moment in microseconds since 1970; beyond the range of the type, one of the infinities.
    package init(unixMicroseconds: Int64) {
        let (difference, overflow) = unixMicroseconds.subtractingReportingOverflow(Self.epoch)
        self.rawValue = overflow ? .min : difference
    }

    /// Microseconds since 1970; `nil` for the infinities and what 64 bits cannot hold.
    package var unixMicroseconds: Int64? {
        guard isFinite else { return nil }
        let (sum, overflow) = rawValue.addingReportingOverflow(Self.epoch)
        return overflow ? nil : sum
    }

    /// Whether it is a moment and not an infinity.
    private var isFinite: Bool { self != .infinity && self != .negativeInfinity }

    /// How much later another moment is; as far away as can be said where one of them is an infinity.
    package func duration(to other: PostgresTimestamp) -> Duration {
        let (difference, overflow) = other.rawValue.subtractingReportingOverflow(rawValue)
        return .microseconds(overflow ? (other < self ? .min : .max) : difference)
    }

    /// The moment this much later; at an infinity it stays, and beyond the range it becomes one.
    package func advanced(by duration: Duration) -> PostgresTimestamp {
        guard isFinite else { return self }
        return PostgresTimestamp(
            rawValue: Int64(clamping: Int128(rawValue) + duration.attoseconds / 1_000_000_000_000))
    }
}

extension PostgresTimestamp: Comparable {
    package static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool { left.rawValue < right.rawValue }
}

extension PostgresTimestamp: PostgresValue {
    package static var type: PostgresType { .timestamptz }

    package func encode(into buffer: inout PostgresBuffer) { buffer.append(rawValue) }

    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresTimestamp {
        guard field.type == .timestamptz else { throw field.mismatch(.timestamptz) }
        return PostgresTimestamp(rawValue: try field.integer())
    }
}
