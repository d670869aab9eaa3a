import Telemetry
import Testing

@testable import Worker

@Suite struct SetbacksTests {
    private var books = Setbacks()

    @Test mutating func threeInARowForThreeSecondsAreTrouble() {
        books.failed(.claim, "first", .seconds(10))
        books.failed(.claim, "second", .seconds(12))
        #expect(books.trouble(.seconds(20)) == nil)
        books.failed(.claim, "third", .milliseconds(12_999))
        #expect(books.trouble(.milliseconds(12_999)) == nil)
        #expect(
            books.trouble(.seconds(13))
                == Setbacks.Trouble(step: .claim, failures: 3, lasts: .seconds(3), error: "third"))
    }

    @Test mutating func aSuccessEndsIt() {
        for second in 0..<5 { books.failed(.settle, "no", .seconds(second)) }
        #expect(books.trouble(.seconds(5)) != nil)
        books.succeeded(.claim)
        #expect(books.trouble(.seconds(5)) != nil)
        books.succeeded(.settle)
        #expect(books.trouble(.seconds(5)) == nil)
        books.failed(.settle, "no", .seconds(6))
        #expect(books.trouble(.seconds(60)) == nil)
    }

    @Test mutating func ofSeveralTheOldestIsShown() {
        for second in 0..<3 { books.failed(.load, "load", .seconds(second)) }
        for second in 1..<9 { books.failed(.look, "look", .seconds(second)) }
        #expect(books.trouble(.seconds(9))?.step == .load)
    }

    @Test mutating func theTextIsBounded() {
        for second in 0..<3 { books.failed(.look, String(repeating: "x", count: 900), .seconds(second)) }
        #expect(books.trouble(.seconds(9))?.error.count == Setbacks.errorLimit)
    }
}

@Suite struct LagMeasureTests {
    @Test func nothingIsShownBeforeTheFirstMeasure() {
        var lag = LagMeasure()
        #expect(lag.seconds(.seconds(99)) == nil && !lag.isLate(.seconds(99)))
        lag.begin(.seconds(100))
        #expect(lag.seconds(.seconds(100)) == nil)
        #expect(!lag.isLate(.seconds(115)) && lag.isLate(.seconds(116)))
    }

    @Test func thatNothingIsLateIsShownForTenSeconds() {
        var lag = LagMeasure()
        lag.measured(.zero, at: .seconds(100))
        #expect(lag.seconds(.seconds(110)) == 0)
        #expect(lag.seconds(.milliseconds(110_001)) == nil)
        #expect(!lag.isLate(.seconds(115)) && lag.isLate(.milliseconds(115_001)))
    }

    @Test func whatIsLateGrowsUntilItIsNotKnownAnyMore() {
        var lag = LagMeasure()
        lag.measured(.milliseconds(1500), at: .seconds(100))
        #expect(lag.seconds(.seconds(100)) == 1.5)
        #expect(lag.seconds(.seconds(115)) == 16.5)
        #expect(lag.seconds(.milliseconds(115_001)) == nil && lag.isLate(.milliseconds(115_001)))
        // Beginning once more does not make an old figure new.
        lag.begin(.seconds(130))
        #expect(lag.isLate(.seconds(130)))
    }
}
