import Formats
import Testing

@Suite("Calendar dates")
struct CivilDateTests {
    @Test(
        "known days",
        arguments: [
            (0, 1970, 1, 1), (-1, 1969, 12, 31), (10_957, 2000, 1, 1), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1),
            (47_541, 2100, 3, 1), (-719_528, 0, 1, 1), (2_932_896, 9999, 12, 31), (-719_529, -1, 12, 31),
        ] as [(Int64, Int64, Int64, Int64)])
    func known(days: Int64, year: Int64, month: Int64, day: Int64) {
        #expect(CivilDate(daysSince1970: days) == CivilDate(year: year, month: month, day: day))
        #expect(CivilDate(year: year, month: month, day: day).daysSince1970 == days)
    }

    @Test("every day of 2,000 years reads back, and follows the day before")
    func everyDay() {
        var before = CivilDate(daysSince1970: -400_001)
        for days in Int64(-400_000)...330_000 {
            let date = CivilDate(daysSince1970: days)
            #expect(date.daysSince1970 == days)
            let isNextDay = date.year == before.year && date.month == before.month && date.day == before.day + 1
            #expect(isNextDay || date.day == 1)
            before = date
        }
    }

    @Test("the time of a day is counted from its midnight, before 1970, too")
    func split() {
        #expect(CivilDate.split(microseconds: -1) == (-1, 86_399_999_999))
        #expect(CivilDate.split(microseconds: 86_400_000_001) == (1, 1))
    }
}
