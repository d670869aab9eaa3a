import Postgres
import Testing

@Suite("A backoff")
struct BackoffTests {
    private let backoff = Backoff(base: .milliseconds(50), cap: .seconds(5))

    @Test("doubles its limit up to the cap")
    func limits() {
        let limits = (0...8).map(backoff.limit(afterFailures:))
        #expect(limits == [0, 50, 100, 200, 400, 800, 1600, 3200, 5000].map { .milliseconds($0) })
        #expect(backoff.limit(afterFailures: .max) == .seconds(5))
        #expect(backoff.limit(afterFailures: -1) == .zero)
    }

    @Test("waits any time from nothing up to the limit")
    func jitter() {
        #expect(backoff.delay(afterFailures: 3, random: 0) == .zero)
        #expect(backoff.delay(afterFailures: 3, random: 0.5) == .milliseconds(100))
        #expect(backoff.delay(afterFailures: 3, random: 7) == .milliseconds(200))
        #expect(backoff.delay(afterFailures: 3, random: -7) == .zero)
    }

    @Test("makes sense of odd limits")
    func oddLimits() {
        #expect(Backoff(base: .seconds(-1), cap: .seconds(-1)).limit(afterFailures: 5) == .zero)
        #expect(Backoff(base: .seconds(9), cap: .seconds(1)).limit(afterFailures: 5) == .seconds(9))
    }
}
