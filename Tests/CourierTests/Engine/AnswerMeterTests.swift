import Testing

@testable import Courier

@Suite("How much one answer may take")
struct AnswerMeterTests {
    @Test("The first pieces are not asked about; then all bytes since count, up to the limit")
    func limit() {
        var meter = AnswerMeter()
        // Several of each call, as libcurl tells of them.
        for piece in 0..<(2 * AnswerMeter.uncountedCalls) { expectNoQuestion(&meter, in: UInt64(piece / 2)) }
        let before: UInt64 = 1 << 40
        let call = UInt64(AnswerMeter.uncountedCalls)
        #expect(!meter.takesTooMuch(in: call) { before })
        #expect(!meter.takesTooMuch(in: call) { before + AnswerMeter.maximumBytes })
        #expect(!meter.takesTooMuch(in: call) { nil })
        #expect(!meter.takesTooMuch(in: call) { 0 })
        #expect(meter.takesTooMuch(in: call) { before + AnswerMeter.maximumBytes + 1 })
    }

    @Test("One call that never ends is asked about as well")
    func oneCall() {
        var meter = AnswerMeter()
        for _ in 0..<AnswerMeter.uncountedPieces { expectNoQuestion(&meter, in: 7) }
        #expect(!meter.takesTooMuch(in: 7) { 0 })
        #expect(meter.takesTooMuch(in: 7) { AnswerMeter.maximumBytes + 1 })
    }

    private func expectNoQuestion(_ meter: inout AnswerMeter, in call: UInt64) {
        let isTooMuch = meter.takesTooMuch(in: call) {
            Issue.record("asked")
            return .max
        }
        #expect(!isTooMuch)
    }
}
