import Testing

@testable import Courier

@Suite("How much one answer may take")
struct AnswerMeterTests {
    @Test("The first pieces are not asked about; then all bytes since count, up to the limit")
    func limit() {
        var meter = AnswerMeter()
        for _ in 0..<AnswerMeter.uncounted {
            let isTooMuch = meter.takesTooMuch {
                Issue.record("asked")
                return .max
            }
            #expect(!isTooMuch)
        }
        let before: UInt64 = 1 << 40
        #expect(!meter.takesTooMuch { before })
        #expect(!meter.takesTooMuch { before + AnswerMeter.maximumBytes })
        #expect(!meter.takesTooMuch { nil })
        #expect(!meter.takesTooMuch { 0 })
        #expect(meter.takesTooMuch { before + AnswerMeter.maximumBytes + 1 })
    }
}
