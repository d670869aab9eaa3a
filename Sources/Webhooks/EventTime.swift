import Formats

/// The moment of an event, in microseconds since 1970-01-01T00:00:00Z: exactly what PostgreSQL's `timestamptz` holds.
public struct EventTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since 1970, without leap seconds.
    public let microseconds: Int64

    /// A moment as PostgreSQL keeps it.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Earlier than.
    public static func < (left: EventTime, right: EventTime) -> Bool {
        left.microseconds < right.microseconds
    }

    /// RFC 3339 in UTC with six digits of fraction: `2022-11-03T20:26:10.344522Z`.
    public var description: String {
        var text: [UInt8] = []
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// How many bytes the text has, always.
    static let textLength = 27

    /// Appends the text. RFC 3339 knows the years 0000 to 9999; moments outside are written as the nearest one inside.
    func append(to text: inout [UInt8]) {
        let moment = min(max(microseconds, Self.earliest), Self.latest)
        let (day, time) = CivilDate.split(microseconds: moment)
        let date = CivilDate(daysSince1970: day)
        Self.append(date.year, digits: 4, to: &text)
        for (separator, number) in [("-", date.month), ("-", date.day)] {
            text.append(contentsOf: separator.utf8)
            Self.append(number, digits: 2, to: &text)
        }
        let seconds = time / 1_000_000
        for (separator, number) in [("T", seconds / 3_600), (":", seconds / 60 % 60), (":", seconds % 60)] {
            text.append(contentsOf: separator.utf8)
            Self.append(number, digits: 2, to: &text)
        }
        text.append(UInt8(ascii: "."))
        Self.append(time % 1_000_000, digits: 6, to: &text)
        text.append(UInt8(ascii: "Z"))
    }

    /// 0000-01-01T00:00:00.000000Z
    private static let earliest: Int64 = -62_167_219_200_000_000
    /// 9999-12-31T23:59:59.999999Z
    private static let latest: Int64 = 253_402_300_799_999_999

    private static func append(_ number: Int64, digits: Int, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
