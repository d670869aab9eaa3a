package import Outbox

/// Lengths of time as people write them: `250ms`, `15s`, `5m`, `2h`, `1d`.
///
/// One whole number and one unit, without space. A plain number is refused: a reader cannot see whether it means
/// seconds or milliseconds. (A day is 86,400 seconds.)
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Nine digits are enough for 11 days in milliseconds and two million years in days.
    private static let maximumDigits = 9

    package static func parse(_ text: String) throws(InvalidText) -> Duration {
        let bytes = Array(text.utf8)[...]
        let digits = bytes.prefix { $0.isDigit }
        let name = String(decoding: bytes[digits.endIndex...], as: UTF8.self)
        guard let number = DecimalNumber.parse(digits, maximumDigits: maximumDigits) else {
            throw InvalidText(
                .duration, "\(Excerpt(text)) is not a length of time; write it like 250ms, 15s, 5m, 2h or 1d")
        }
        guard let unit = units.first(where: { $0.name == name }) else {
            let problem = name.isEmpty ? "has no unit" : "has the unknown unit \(Excerpt(name))"
            throw InvalidText(.duration, "\(Excerpt(text)) \(problem); the units are ms, s, m, h and d")
        }
        return .milliseconds(number * unit.milliseconds)
    }

    /// Reads lengths of time joined by commas, such as `5s,5m,30m,2h`. Spaces around each are allowed.
    ///
    /// - Parameter limit: a text with more is cut after `limit` commas and then refused, so that a million commas do not
    ///   cost a million steps.
    package static func parseList(_ text: String, limit: Int) throws(InvalidText) -> [Duration] {
        var list: [Duration] = []
        for part in text.split(separator: ",", maxSplits: limit, omittingEmptySubsequences: false) {
            let trimmed = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            list.append(try parse(String(trimmed)))
        }
        return list
    }

    /// The shortest text that reads back as the same length of time: `90s`, `5m`. Parts of a millisecond are cut off.
    package static func format(_ duration: Duration) -> String {
        let total = milliseconds(duration)
        guard total != 0 else { return "0s" }
        for unit in units where total % unit.milliseconds == 0 {
            return "\(total / unit.milliseconds)\(unit.name)"
        }
        return "\(total)ms"
    }

    /// For reading at a glance: the two largest units, such as `1d 4h`, `3m 20s`, `850ms`.
    package static func short(_ duration: Duration) -> String {
        var rest = milliseconds(duration).magnitude
        guard let first = units.firstIndex(where: { UInt64($0.milliseconds) <= rest }) else { return "0s" }
        var parts: [String] = []
        for unit in units[first...].prefix(2) {
            let size = UInt64(unit.milliseconds)
            if rest >= size { parts.append("\(rest / size)\(unit.name)") }
            rest %= size
        }
        return (duration < .zero ? "-" : "") + parts.joined(separator: " ")
    }

    /// Whole milliseconds, towards zero; a length beyond what 64 bits count becomes the longest that they do.
    private static func milliseconds(_ duration: Duration) -> Int64 {
        // `components` traps on a length of more seconds than 64 bits count, so the cut comes first.
        let (seconds, attoseconds) = min(max(duration, .milliseconds(Int64.min)), .milliseconds(Int64.max)).components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
