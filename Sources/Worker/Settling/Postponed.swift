import OutboxStore

/// Outcomes that a settle left because another session holds what they would change: an operator's open transaction, as a
/// rule. They are tried again after pauses that grow, apart from all others, so that no other endpoint waits. Decides only.
///
/// Bounded by the permits: each outcome holds one until it is recorded.
struct Postponed: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Until the first new try of a lane; each pause is twice as long as the one before.
    static let firstPause = Duration.milliseconds(50)
    /// With more, permits would come back late; with less, hundreds of held lanes would cost statements.
    static let longestPause = Duration.seconds(1)

    private struct Lane {
        var settlements: [Settlement]
        var failures: Int
        var next: Instant
    }

    private var lanes: [Int32: Lane] = [:]
    /// The failures so far of the lanes that were taken out to be tried.
    private var trying: [Int32: Int] = [:]

    var isEmpty: Bool { lanes.isEmpty }
    /// When the next try is due.
    var next: Instant? { lanes.values.lazy.map(\.next).min() }

    /// Keeps what belongs to lanes that are held back, and returns the others.
    mutating func join(_ batch: [Settlement]) -> [Settlement] {
        guard !lanes.isEmpty else { return batch }
        return batch.filter { settlement in
            guard let index = lanes.index(forKey: settlement.delivery.endpoint) else { return true }
            lanes.values[index].settlements.append(settlement)
            return false
        }
    }

    /// Takes out what is due to be tried, at most `count` outcomes. What is left of it has to be told by ``left(_:now:)``.
    mutating func take(_ count: Int, now: Instant) -> [Settlement] {
        trying = [:]
        var taken: [Settlement] = []
        for (endpoint, lane) in lanes.sorted(by: { $0.value.next < $1.value.next }) {
            guard lane.next <= now, taken.count < count else { break }
            let some = lane.settlements.prefix(count - taken.count)
            taken += some
            trying[endpoint] = lane.failures
            if some.count == lane.settlements.count {
                lanes[endpoint] = nil
            } else {
                lanes[endpoint]?.settlements.removeFirst(some.count)
            }
        }
        return taken
    }

    /// Takes in what a settle left.
    mutating func left(_ settlements: [Settlement], now: Instant) {
        for (endpoint, some) in Dictionary(grouping: settlements, by: \.delivery.endpoint) {
            let kept = lanes[endpoint]
            let failures = (trying[endpoint] ?? kept?.failures ?? 0) + 1
            let pause = min(Self.firstPause * (1 << min(failures - 1, 10)), Self.longestPause)
            lanes[endpoint] = Lane(
                settlements: some + (kept?.settlements ?? []), failures: failures, next: now + pause)
        }
    }

    /// Takes out everything, at the end.
    mutating func takeAll() -> [Settlement] {
        defer { lanes = [:] }
        return lanes.values.flatMap(\.settlements)
    }
}
