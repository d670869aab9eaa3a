import Formats

/// The three forms of a date that an HTTP recipient has to read (RFC 9110 section 5.6.7).
///
///     Sun, 06 Nov 1994 08:49:37 GMT      the form of today
///     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
///     Sun Nov  6 08:49:37 1994           asctime
package enum HTTPDate {
    /// Seconds since 1970, or nil when the text has none of the three forms.
    ///
    /// - Parameter now: decides the century of a year of two digits: it is never more than 50 years ahead.
    package static func secondsSince1970(_ text: ArraySlice<UInt8>, now: Int64) -> Int64? {
        // Splitting at every single space keeps the form strict: two spaces make an empty word.
        let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch words.count {
        case 6 where words[5] == "GMT":
            guard words[0].last == ",", days.contains(String(words[0].dropLast())) else { return nil }
            return seconds(
                day: number(words[1], digits: 2), month: words[2], year: number(words[3], digits: 4), words[4])
        case 4 where words[3] == "GMT":
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard words[0].last == ",", longDays.contains(String(words[0].dropLast())), date.count == 3 else {
                return nil
            }
            let year = number(date[2], digits: 2).map { fullYear($0, now: now) }
            return seconds(day: number(date[0], digits: 2), month: date[1], year: year, words[2])
        case 5 where days.contains(words[0]):
            return seconds(
                day: number(words[2], digits: 2), month: words[1], year: number(words[4], digits: 4), words[3])
        case 6 where days.contains(words[0]) && words[2].isEmpty:
            return seconds(
                day: number(words[3], digits: 1), month: words[1], year: number(words[5], digits: 4), words[4])
        default:
            return nil
        }
    }

    private static let days: Set<String> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let longDays: Set<String> = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func number(_ text: String, digits: Int) -> Int64? {
        text.utf8.count == digits ? DecimalNumber.parse(text.utf8) : nil
    }

    private static func seconds(day: Int64?, month: String, year: Int64?, _ clock: String) -> Int64? {
        guard let day, let year, let index = months.firstIndex(of: month), let time = secondsOfDay(clock) else {
            return nil
        }
        let month = Int64(index) + 1
        guard day >= 1, day <= length(ofMonth: month, year: year) else { return nil }
        return CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400 + time
    }

    /// `08:49:37`; a leap second is allowed.
    private static func secondsOfDay(_ clock: String) -> Int64? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0), digits: 2) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    private static func length(ofMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    private static func fullYear(_ twoDigits: Int64, now: Int64) -> Int64 {
        // Within the years 0 to 9999, so that nothing can overflow.
        let thisYear = CivilDate(daysSince1970: min(max(now / 86_400, -719_468), 2_932_896)).year
        let year = thisYear - thisYear % 100 + twoDigits
        if year > thisYear + 50 { return year - 100 }
        return year <= thisYear - 50 ? year + 100 : year
    }
}
