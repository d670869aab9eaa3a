import Outbox
import Settings
import Testing

@Suite("Duration text")
struct DurationTextTests {
    @Test(
        "what is read",
        arguments: [
            ("250ms", .milliseconds(250)), ("15s", .seconds(15)), ("5m", .seconds(300)), ("2h", .seconds(7_200)),
            ("1d", .seconds(86_400)), ("0s", .zero), ("007s", .seconds(7)),
            ("999999999d", .seconds(999_999_999 * 86_400)),
        ] as [(String, Duration)])
    func read(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(try DurationText.parse(DurationText.format(duration)) == duration)
    }

    @Test(
        "what is refused",
        arguments: [
            "", "15", "s", "-5s", "+5s", " 5s", "5s ", "5 s", "1.5s", "1e3s", "5S", "5M", "1h30m", "9999999999s", "٣s",
            "5µs",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try DurationText.parse(text) }
        #expect(error.concept == .duration)
    }

    @Test(
        "how it is written",
        arguments: [
            (.seconds(90), "90s", "1m 30s"), (.seconds(300), "5m", "5m"), (.milliseconds(1_500), "1500ms", "1s 500ms"),
            (.seconds(100_800), "28h", "1d 4h"), (.seconds(86_461), "86461s", "1d"), (.zero, "0s", "0s"),
            (.microseconds(10), "0s", "0s"), (.seconds(-90), "-90s", "-1m 30s"),
        ] as [(Duration, String, String)])
    func written(duration: Duration, exact: String, short: String) {
        #expect(DurationText.format(duration) == exact)
        #expect(DurationText.short(duration) == short)
    }

    @Test("the ends of the range do not trap")
    func extremes() {
        for duration in [Duration.seconds(Int64.max), .seconds(Int64.min), .seconds(Int64.max) * 2] {
            #expect(!DurationText.format(duration).isEmpty)
            #expect(!DurationText.short(duration).isEmpty)
        }
    }
}
