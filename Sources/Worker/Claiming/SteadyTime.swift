import Postgres

/// A clock of the schedule's own, for waits that it makes itself. It follows the database's clock, but never goes back, and a
/// jump ahead moves it by ``longestStep`` only: so no wait of milliseconds becomes one of hours, and no lane counts as
/// silent because a clock was set.
struct SteadyTime: Sendable {
    /// The most that it moves between two calls, in microseconds. Less than ``Schedule/quick``, or one jump would make every
    /// lane look silent; more than the pause of an idle claimer, or waits would take longer than they should.
    static let longestStep: Int64 = 500_000

    /// In microseconds.
    private(set) var now: Int64 = 0
    private var last: PostgresTimestamp?

    mutating func follow(_ time: PostgresTimestamp) {
        now = at(time)
        last = time
    }

    /// What ``now`` will be at this time of the database.
    func at(_ time: PostgresTimestamp) -> Int64 {
        guard let last, time > last else { return now }
        let (step, overflow) = time.rawValue.subtractingReportingOverflow(last.rawValue)
        return now + (overflow ? Self.longestStep : min(step, Self.longestStep))
    }
}
