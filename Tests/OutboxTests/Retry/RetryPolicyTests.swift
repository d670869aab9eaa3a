import Outbox
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    @Test("the number of attempts has limits", arguments: [Int.min, -1, 0, 1_001, Int.max])
    func attempts(count: Int) {
        #expect(throws: InvalidText.self) { try RetryPolicy(maxAttempts: count) }
    }

    @Test("the last attempt, and one beyond it")
    func last() throws {
        let policy = try RetryPolicy(maxAttempts: 3)
        #expect((1...4).map(policy.isLast) == [false, false, true, true])
        #expect((1...4).map(policy.isBeyondLast) == [false, false, false, true])
    }

    @Test("the wait is the schedule's, or longer if the answer asks for it")
    func wait() throws {
        let policy = try RetryPolicy(schedule: try RetrySchedule(entries: [.seconds(10), .seconds(3_600)]))
        func wait(_ attempt: Int, _ retryAfter: [String] = [], random: Double = 0.5) -> Duration {
            policy.wait(afterAttempt: attempt, retryAfter: retryAfter, now: 784_111_777, random: random)
        }
        #expect([0, 1, 2, 3].map { wait($0) } == [10, 10, 3_600, 3_600].map { .seconds($0) })
        #expect(wait(1, random: 0) == .seconds(8))
        #expect(wait(1, ["9"]) == .seconds(10))
        #expect(wait(1, ["9"], random: 0) == .seconds(9))
        #expect(wait(1, ["11", "soon"]) == .seconds(11))
        #expect(wait(1, ["0"]) == .seconds(10))
        #expect(wait(2, ["Sun, 06 Nov 1994 08:49:37 GMT"]) == .seconds(3_600))
        #expect(wait(1, ["99999999999"]) == Limits.retryAfter)
    }
}
