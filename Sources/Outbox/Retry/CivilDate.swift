/// The proleptic Gregorian calendar, as far as dates in HTTP headers need it.
enum CivilDate {
    /// Days from 1970-01-01 to the given day, by counting eras of 400 years that begin in March.
    static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * daysPerEra + dayOfEra - daysFromEraTo1970
    }

    /// The year of a time, between 0 and 9999 whatever the time.
    static func year(ofSecondsSince1970 seconds: Int64) -> Int64 {
        let days = min(max(seconds / 86_400, -daysFromEraTo1970), 2_932_896)
        // The average year is exact to a day; one look at the first of January settles the rest.
        let guess = (days * 400) / daysPerEra + 1970
        if days >= daysSince1970(year: guess + 1, month: 1, day: 1) { return guess + 1 }
        return days < daysSince1970(year: guess, month: 1, day: 1) ? guess - 1 : guess
    }

    private static let daysPerEra: Int64 = 146_097
    /// From 0000-03-01 to 1970-01-01.
    private static let daysFromEraTo1970: Int64 = 719_468
}
