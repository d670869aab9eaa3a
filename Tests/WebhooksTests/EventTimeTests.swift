import Foundation
import Testing
import Webhooks

@Suite("Event time")
struct EventTimeTests {
    @Test(
        "known moments",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (1_667_507_170_344_522, "2022-11-03T20:26:10.344522Z"),
            (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_799_999_999, "2000-02-29T23:59:59.999999Z"), (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"), (1, "1970-01-01T00:00:00.000001Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"), (Int64.min, "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"), (Int64.max, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func known(microseconds: Int64, text: String) {
        #expect(EventTime(microseconds: microseconds).description == text)
    }

    @Test("agrees with Foundation on every day from 1900 to 2200")
    func everyDay() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for day in -25_567..<84_006 {
            let moment = Int64(day) * 86_400 + 45_296
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: TimeInterval(moment)))
            func padded(_ number: Int?) -> String { (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }
            let expected = "\(parts.year ?? 0)-\(padded(parts.month))-\(padded(parts.day))T12:34:56.000000Z"
            #expect(EventTime(microseconds: moment * 1_000_000).description == expected)
        }
    }
}
