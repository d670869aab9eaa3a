import Postgres
import Testing

@testable import Worker

@Suite struct FailurePaceTests {
    @Test func waitsLongerEachTimeUpToTwoSeconds() {
        var pace = FailurePace()
        let waits = (0..<8).map { _ in pace.failed(.badText) / .milliseconds(1) }
        #expect(waits == [100, 200, 400, 800, 1600, 2000, 2000, 2000])
        let later = Set((0..<1000).map { _ in pace.failed(.badText) })
        #expect(later == [FailurePace.longestWait])
        pace.succeeded()
        let first = pace.failed(.badText)
        #expect(first == FailurePace.firstWait)
    }

    @Test func aLostConnectionHasWaitsOfItsOwn() {
        var pace = FailurePace()
        let waits = Set((0..<10).map { _ in pace.failed(PostgresError(.connectFailed, "no")) })
        let first = pace.failed(.badText)
        #expect(waits == [FailurePace.firstWait] && first == FailurePace.firstWait)
    }
}
