import Testing

@testable import Telemetry

@Suite struct LogThrottleTests {
    @Test func equalMessagesAreHeldBack() {
        var throttle = LogThrottle(limit: 2, interval: .seconds(10))
        #expect(throttle.decide(about: "a", at: .seconds(0)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(1)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(2)) == .suppress)
        #expect(throttle.decide(about: "b", at: .seconds(2)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .milliseconds(10_999)) == .suppress)
        #expect(throttle.decide(about: "a", at: .seconds(11)) == .write(suppressed: 2))
        #expect(throttle.decide(about: "a", at: .seconds(12)) == .suppress)
    }

    @Test func whatGoesOnIsWrittenEverMoreRarely() {
        var throttle = LogThrottle(limit: 2, interval: .seconds(10), longestInterval: .seconds(40))
        let written = (0...200).filter { throttle.decide(about: "a", at: .seconds($0)) != .suppress }
        #expect(written == [0, 1, 11, 31, 71, 111, 151, 191])
        // After a silence it begins again, and tells what was held back before.
        #expect(throttle.decide(about: "a", at: .seconds(210)) == .write(suppressed: 9))
        #expect(throttle.decide(about: "a", at: .seconds(211)) == .write(suppressed: 0))
        #expect(throttle.decide(about: "a", at: .seconds(212)) == .suppress)
    }

    @Test func whatComesNowAndThenIsAlwaysWritten() {
        var throttle = LogThrottle(limit: 2, interval: .seconds(10))
        for second in stride(from: 0, to: 3600, by: 10) {
            #expect(throttle.decide(about: "a", at: .seconds(second)) == .write(suppressed: 0))
        }
    }

    /// A database that is away for an hour, tried at any pace.
    @Test(arguments: [1, 10, 1000, 5000]) func anHourOfItIsAFewLinesThatAddUp(milliseconds: Int) {
        var throttle = LogThrottle()
        var (written, suppressed, told) = (0, 0, 0)
        for time in stride(from: 0, to: 3_600_000, by: milliseconds) {
            switch throttle.decide(about: "down", at: .milliseconds(time)) {
            case .suppress: suppressed += 1
            case .write(let count):
                written += 1
                told += count
            }
        }
        #expect((20...30).contains(written))
        #expect(suppressed - told <= 300_000 / milliseconds)
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
