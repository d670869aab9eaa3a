import Testing

@testable import Telemetry

@Suite struct LogThrottleTests {
    @Test func equalMessagesAreHeldBackWithinAnInterval() {
        var throttle = LogThrottle(limit: 2, interval: .seconds(10))
        #expect(throttle.decide(about: "a", at: .seconds(0)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(1)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(2)) == .suppress)
        #expect(throttle.decide(about: "b", at: .seconds(2)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .milliseconds(9999)) == .suppress)
        #expect(throttle.decide(about: "a", at: .seconds(10)) == .write(suppressed: 2))
        #expect(throttle.decide(about: "a", at: .seconds(11)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(12)) == .suppress)
    }

    @Test func aFloodBecomesAFewLinesThatAddUp() {
        var throttle = LogThrottle(limit: 10, interval: .seconds(10))
        var written = 0
        var reported = 0
        for step in 0..<100_000 {
            if case .write(let suppressed) = throttle.decide(about: "down", at: .milliseconds(step)) {
                written += 1
                reported += suppressed
            }
        }
        #expect(written == 100)
        #expect(reported == 9 * 9990)
    }

    @Test func memoryIsLimitedAndRecovers() {
        var throttle = LogThrottle(limit: 1, interval: .seconds(10))
        for number in 0..<LogThrottle.memory {
            _ = throttle.decide(about: "\(number)", at: .zero)
        }
        #expect(throttle.decide(about: "one too many", at: .seconds(1)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "one too many", at: .seconds(1)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "0", at: .seconds(1)) == .suppress)
        #expect(throttle.decide(about: "new", at: .seconds(10)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "new", at: .seconds(10)) == .suppress)
    }
}
