import Outbox
import Settings
import Testing

/// A retry schedule as text: what `--retry-schedule` goes through.
@Suite("Retry schedule as text")
struct RetryScheduleTextTests {
    private func read(_ text: String) throws -> RetrySchedule {
        try RetrySchedule(entries: DurationText.parseList(text, limit: Limits.scheduleEntries))
    }

    private func write(_ schedule: RetrySchedule) -> String {
        schedule.entries.map(DurationText.format).joined(separator: ",")
    }

    @Test("the standard schedule is the one of the contract")
    func standard() throws {
        #expect(write(.standard) == "5s,5m,30m,2h,5h,10h,14h,20h,1d")
        #expect(try read("5s,5m,30m,2h,5h,10h,14h,20h,24h") == .standard)
    }

    @Test(
        "text reads back as the same schedule",
        arguments: ["5s", "250ms,1s", "5s, 5m ,30m", "90s,90s,30d", "1s,1s,1s"])
    func roundTrip(text: String) throws {
        let schedule = try read(text)
        #expect(try read(write(schedule)) == schedule)
    }

    @Test(
        "what is refused",
        arguments: [
            "", " ", ",", "5s,", ",5s", "5", "0s", "5s,0ms", "-5s", "31d", "2592001s", "1e3s", "5m,5s", "5 s", "5s;5m",
            "٣s",
            "99999999999999999999s", "5sec",
        ])
    func refused(text: String) {
        #expect(throws: InvalidText.self) { try read(text) }
    }

    @Test("at most 64 waits")
    func count() throws {
        let text = [String](repeating: "1s", count: 64).joined(separator: ",")
        #expect(try read(text).entries.count == 64)
        #expect(throws: InvalidText.self) { try read(text + ",1s") }
        #expect(throws: InvalidText.self) { try read([String](repeating: "1s", count: 10_000).joined(separator: ",")) }
    }
}
