import Outbox
import TestSupport
import Testing

@Suite("Retry schedule")
struct RetryScheduleTests {
    @Test("the standard schedule is the one of the contract")
    func standard() throws {
        let hours = [2, 5, 10, 14, 20, 24].map { Duration.seconds($0 * 3_600) }
        #expect(RetrySchedule.standard.entries == [.seconds(5), .seconds(300), .seconds(1_800)] + hours)
        #expect(RetrySchedule.standard.defaultMaxAttempts == 10)
        #expect(try RetrySchedule(entries: RetrySchedule.standard.entries) == .standard)
        let total: Int64 = 75 * 3_600 + 35 * 60 + 5
        #expect(RetrySchedule.standard.entries.reduce(.zero, +) == .seconds(total))
    }

    @Test("what is refused, and which wait is named")
    func refused() throws {
        func message(_ seconds: Int...) throws -> String {
            let error = try #require(throws: InvalidText.self) {
                try RetrySchedule(entries: seconds.map { .seconds($0) })
            }
            #expect(error.concept == .retrySchedule)
            return error.message
        }
        #expect(try message() == "a retry schedule needs at least one wait")
        #expect(try message(5, 0) == "wait 2 of the retry schedule must be longer than 0")
        #expect(try message(-5) == "wait 1 of the retry schedule must be longer than 0")
        #expect(try message(2_592_001) == "wait 1 of the retry schedule is longer than 30 days")
        #expect(try message(5, 300, 299) == "wait 3 of the retry schedule is shorter than the wait before it")
    }

    @Test("at most 64 waits")
    func count() throws {
        let waits = [Duration](repeating: .seconds(1), count: 64)
        #expect(try RetrySchedule(entries: waits).entries.count == 64)
        #expect(throws: InvalidText.self) { try RetrySchedule(entries: waits + [.seconds(1)]) }
    }

    @Test("the n-th wait follows the n-th attempt, the last one repeats")
    func entries() throws {
        let schedule = try RetrySchedule(entries: [.seconds(5), .seconds(300)])
        for (attempt, seconds) in [(Int.min, 5), (0, 5), (1, 5), (2, 300), (3, 300), (Int.max, 300)] {
            #expect(schedule.delay(afterAttempt: attempt, random: 0.5) == .seconds(seconds))
        }
    }

    @Test("jitter stays within 20 % and reaches both ends")
    func jitter() throws {
        let schedule = try RetrySchedule(entries: [.seconds(10), .seconds(30 * 86_400)])
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
