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
        let (days, time) = Self.floorDivision(rawValue, by: 86_400_000_000)
        let (year, month, day) = Self.civil(daysSince2000: days)
        let (seconds, microseconds) = time.quotientAndRemainder(dividingBy: 1_000_000)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
            + "\(Self.padded(seconds / 3600, 2)):\(Self.padded(seconds / 60 % 60, 2)):\(Self.padded(seconds % 60, 2))"
            + ".\(Self.padded(microseconds, 6))Z"
    }

    private static func floorDivision(_ dividend: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The date in the proleptic Gregorian calendar, by counting years from 1 March, so that leap days come last.
    private static func civil(daysSince2000: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivision(daysSince2000 + 730_425, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
