import Postgres
import Testing

@testable import Worker

@Suite struct HalvingTests {
    /// Reads numbers, unless a bad one is among them; counts how often it was asked.
    private func read(
        _ count: Int, bad: Set<Int>, _ error: PostgresError = .badText
    ) async throws(PostgresError) -> (rows: [Int], bad: [Int], asked: Int) {
        var asked = 0
        let (rows, unreadable) = try await Halving.read(Array(0..<count)) { keys throws(PostgresError) in
            asked += 1
            if !bad.isDisjoint(with: keys) { throw error }
            return keys
        }
        return (rows, unreadable.map(\.key), asked)
    }

    @Test func withoutAFaultItAsksOnce() async throws {
        let read = try await read(300, bad: [])
        #expect(read.rows == Array(0..<300) && read.bad.isEmpty && read.asked == 1)
    }

    @Test(arguments: [[0], [1], [299], [128, 129], [0, 150, 299]])
    func findsWhatSpoilsIt(_ bad: [Int]) async throws {
        let read = try await read(300, bad: Set(bad))
        #expect(read.bad == bad)
        #expect(read.rows == (0..<300).filter { !bad.contains($0) })
        // Two for each halving of each.
        #expect(read.asked <= 1 + 2 * 9 * bad.count)
    }

    @Test func allMayBeBad() async throws {
        let read = try await read(64, bad: Set(0..<64))
        #expect(read.rows.isEmpty && read.bad == Array(0..<64) && read.asked == 127)
        #expect(try await self.read(0, bad: []).asked == 0)
    }

    @Test(arguments: [
        PostgresError(.connectionLost, "gone"), PostgresError(.deadlineExceeded, "late"), .refused("42P01"),
        .refused("42883"), .refused("57014"), .diskFull, .refused("40P01"),
    ])
    func everyOtherFailureIsThatOfAll(_ error: PostgresError) async throws {
        await #expect(throws: PostgresError.self) { try await read(300, bad: [7], error) }
    }

    @Test(arguments: [
        PostgresError(.unexpectedValue, "no"), .refused("22003"), .refused("22021"), .refused("54000"),
        .refused("XX001"), .refused("P0001"), .refused("23514"), .refused("44000"),
    ])
    func aRowThatTheServerOrWeCannotReadIsAlone(_ error: PostgresError) async throws {
        #expect(try await read(9, bad: [4], error).bad == [4])
    }
}
