import Outbox
import TestSupport
import Testing

@Suite("Retry schedule")
struct RetryScheduleTests {
    @Test("the standard schedule is the one of the contract")
    func standard() throws {
        #expect(RetrySchedule.standard.description == "5s,5m,30m,2h,5h,10h,14h,20h,1d")
        #expect(RetrySchedule.standard.defaultMaxAttempts == 10)
        #expect(try RetrySchedule("5s,5m,30m,2h,5h,10h,14h,20h,24h") == .standard)
        let total: Int64 = 75 * 3_600 + 35 * 60 + 5
        #expect(RetrySchedule.standard.entries.reduce(.zero, +) == .seconds(total))
    }

    @Test(
        "text reads back as the same schedule",
        arguments: ["5s", "250ms,1s", "5s, 5m ,30m", "90s,90s,30d", "1s,1s,1s"])
    func roundTrip(text: String) throws {
        let schedule = try RetrySchedule(text)
        #expect(try RetrySchedule(schedule.description) == schedule)
    }

    @Test(
        "what is refused",
        arguments: [
            "", " ", ",", "5s,", ",5s", "5", "0s", "5s,0ms", "-5s", "31d", "2592001s", "1e3s", "5m,5s", "5 s", "5s;5m",
            "٣s",
            "99999999999999999999s", "5sec",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try RetrySchedule(text) }
        #expect(error.concept == .retrySchedule)
    }

    @Test("at most 64 waits")
    func count() throws {
        let text = [String](repeating: "1s", count: 64).joined(separator: ",")
        #expect(try RetrySchedule(text).entries.count == 64)
        #expect(throws: InvalidText.self) { try RetrySchedule(text + ",1s") }
        #expect(throws: InvalidText.self) {
            try RetrySchedule([String](repeating: "1s", count: 10_000).joined(separator: ","))
        }
        #expect(throws: InvalidText.self) { try RetrySchedule(entries: []) }
    }

    @Test("the n-th wait follows the n-th attempt, the last one repeats")
    func entries() throws {
        let schedule = try RetrySchedule("5s,5m")
        for (attempt, seconds) in [(Int.min, 5), (0, 5), (1, 5), (2, 300), (3, 300), (Int.max, 300)] {
            #expect(schedule.delay(afterAttempt: attempt, random: 0.5) == .seconds(seconds))
        }
    }

    @Test("jitter stays within 20 % and reaches both ends")
    func jitter() throws {
        let schedule = try RetrySchedule("10s,30d")
        #expect(schedule.delay(afterAttempt: 1, random: 0) == .seconds(8))
        #expect(schedule.delay(afterAttempt: 1, random: 0.999_999_999_999) <= .seconds(12))
        var generator = SeededGenerator(seed: 8)
        var waits: Set<Duration> = []
        for _ in 0..<2_000 {
            let random = Double.random(in: 0..<1, using: &generator)
            for (attempt, entry) in schedule.entries.enumerated() {
                let wait = schedule.delay(afterAttempt: attempt + 1, random: random)
                #expect(wait >= entry * 8 / 10 && wait <= entry * 12 / 10)
                #expect(wait.components.attoseconds % 1_000_000_000_000 == 0, "whole microseconds")
                waits.insert(wait)
            }
        }
        #expect(waits.count > 3_900)
    }

    @Test(
        "no random number traps",
        arguments: [-1, 2, Double.nan, Double.infinity, -Double.infinity, Double.greatestFiniteMagnitude])
    func anyRandom(random: Double) {
        let wait = RetrySchedule.standard.delay(afterAttempt: 1, random: random)
        #expect(wait >= .seconds(4) && wait <= .seconds(6))
    }
}
