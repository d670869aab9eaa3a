import Formats

/// A moment, as `timestamptz` holds it: microseconds since 2000-01-01 00:00 UTC, and two infinities.
package struct PostgresTimestamp: RawRepresentable, Hashable, Sendable {
    /// Microseconds since 2000-01-01 00:00 UTC.
    package var rawValue: Int64

    /// A moment in PostgreSQL's own measure.
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
    package var isFinite: Bool { self != .infinity && self != .negativeInfinity }

    /// The moment this much later; at an infinity it stays, and beyond the range it becomes one.
    package func advanced(by duration: Duration) -> PostgresTimestamp {
        guard isFinite else { return self }
        let limit: PostgresTimestamp = duration < .zero ? .negativeInfinity : .infinity
        guard let step = duration.microseconds else { return limit }
        let (sum, overflow) = rawValue.addingReportingOverflow(step)
        return overflow ? limit : PostgresTimestamp(rawValue: sum)
    }
}

extension PostgresTimestamp: Comparable {
    /// Earlier than.
    package static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool { left.rawValue < right.rawValue }
}

extension PostgresTimestamp: PostgresValue {
    /// `timestamptz`
    package static var type: PostgresType { .timestamptz }

    /// Eight bytes.
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(rawValue) }

    /// `timestamptz`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresTimestamp {
        guard field.type == .timestamptz else { throw field.mismatch(.timestamptz) }
        return PostgresTimestamp(rawValue: try field.integer())
    }
}

extension PostgresTimestamp: CustomStringConvertible {
    /// ISO 8601 in UTC, such as `2024-11-20T00:00:00.000000Z`; PostgreSQL's own words for the infinities.
    package var description: String {
        switch self {
        case .infinity: return "infinity"
        case .negativeInfinity: return "-infinity"
        default: break
        }
        let (day, time) = CivilDate.split(microseconds: rawValue)
        let date = CivilDate(daysSince1970: day + Self.epoch / 86_400_000_000)
        let (seconds, microseconds) = time.quotientAndRemainder(dividingBy: 1_000_000)
        return "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))T"
            + "\(Self.padded(seconds / 3600, 2)):\(Self.padded(seconds / 60 % 60, 2)):\(Self.padded(seconds % 60, 2))"
            + ".\(Self.padded(microseconds, 6))Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
