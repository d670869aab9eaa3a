import Outbox
import TestSupport
import Testing

@Suite("Retry-After")
struct RetryAfterTests {
    /// 1994-11-06T08:49:37Z
    private let now: Int64 = 784_111_777

    @Test("every case of the list")
    func vectors() throws {
        for vector in try VectorFile("retry-after.tsv", atLeast: 60).cases {
            let wait = RetryAfter.wait(values(vector.input), now: now)
            #expect(wait.map { "\($0.components.seconds)" } ?? "-" == vector.expected, "\(vector.testDescription)")
        }
    }

    @Test("no header, no wait")
    func none() {
        #expect(RetryAfter.wait([], now: now) == nil)
    }

    @Test("a megabyte of digits is ignored")
    func oversized() {
        #expect(RetryAfter.wait([String(repeating: "1", count: 1 << 20)], now: now) == nil)
        #expect(RetryAfter.wait([String(repeating: "0", count: 1 << 20) + "5"], now: now) == nil)
    }

    @Test("any bytes at any time: no trap, and never more than the cap")
    func randomBytes() {
        var generator = SeededGenerator(seed: 7)
        let dates = Array("SunMoTueWdhFriatNov0123456789 :,-GMT".utf8)
        let times: [Int64] = [.min, -1, 0, now, .max]
        for _ in 0..<10_000 {
            for text in [generator.text(upTo: 40), generator.text(upTo: 32, alphabet: dates)] {
                let wait = RetryAfter.wait([text], now: times.randomElement(using: &generator) ?? 0)
                #expect(wait.map { $0 >= .zero && $0 <= Limits.retryAfter } ?? true, "\(text)")
            }
        }
        for time in times {
            let wait = RetryAfter.wait(["Sunday, 06-Nov-94 08:49:37 GMT"], now: time)
            #expect(wait.map { $0 >= .zero && $0 <= Limits.retryAfter } == true)
        }
    }

    @Test("dates are read back to the second on every day of 400 years")
    func everyDay() {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var midnight: Int64 = 0
        for year in 1970..<2370 {
            for (index, name) in names.enumerated() {
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][index]
                for day in [1, days] {
                    let text = "Mon, \(day < 10 ? "0" : "")\(day) \(name) \(year) 00:00:07 GMT"
                    let at = midnight + Int64(day - 1) * 86_400
                    #expect(RetryAfter.wait([text], now: at) == .seconds(7), "\(text)")
                }
                midnight += Int64(days) * 86_400
            }
        }
    }

    private func values(_ text: String) -> [String] {
        var values: [String] = []
        var rest = text[...]
        while let separator = rest.firstRange(of: " | ") {
            values.append(String(rest[..<separator.lowerBound]))
            rest = rest[separator.upperBound...]
        }
        return values + [String(rest)]
    }
}
