/// How long to wait after each failed attempt: the n-th entry is the wait after the n-th attempt, the last entry repeats.
package struct RetrySchedule: Hashable, Sendable {
    /// The waits: 1 to ``Limits/scheduleEntries``, each longer than nothing, at most ``Limits/longestWait``, and none
    /// shorter than the one before.
    package let entries: [Duration]

    /// The example schedule of Standard Webhooks 1.0.0: nine waits, ten attempts within 75 h 35 m 5 s.
    package static let standard = RetrySchedule(
        checked: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map { .seconds($0) })

    /// How far a wait is moved at random, as a part of it, so that a thousand failures do not come back as one crowd.
    package static let jitter = 0.2

    private init(checked entries: [Duration]) {
        self.entries = entries
    }

    /// A schedule of these waits.
    package init(entries: [Duration]) throws(InvalidText) {
        guard !entries.isEmpty else { throw InvalidText(.retrySchedule, "a retry schedule needs at least one wait") }
        guard entries.count <= Limits.scheduleEntries else {
            throw InvalidText(
                .retrySchedule,
                "a retry schedule of \(entries.count) waits is longer than the \(Limits.scheduleEntries) allowed")
        }
        var previous = Duration.zero
        for (index, entry) in entries.enumerated() {
            func refused(_ rule: String) -> InvalidText {
                InvalidText(.retrySchedule, "wait \(index + 1) of the retry schedule \(rule)")
            }
            guard entry > .zero else { throw refused("must be longer than 0") }
            guard entry <= Limits.longestWait else {
                throw refused("is longer than \(Limits.longestWait.components.seconds / 86_400) days")
            }
            guard entry >= previous else { throw refused("is shorter than the wait before it") }
            previous = entry
        }
        self.entries = entries
    }

    /// How many attempts use every wait once: one more than there are waits.
    package var defaultMaxAttempts: Int { entries.count + 1 }

    /// The wait after a failed attempt, moved at random by up to ±20 %, in whole microseconds (what PostgreSQL keeps).
    ///
    /// - Parameters:
    ///   - attempt: the number of the attempt that failed, from 1.
    ///   - random: a random number from 0 up to, not including, 1. Anything else counts as the nearer end.
    package func delay(afterAttempt attempt: Int, random: Double) -> Duration {
        let entry = entries[min(max(attempt, 1), entries.count) - 1]
        let share = random.isNaN ? 0.5 : min(max(random, 0), 1)
        let (seconds, attoseconds) = entry.components
        let microseconds = Double(seconds) * 1e6 + Double(attoseconds) / 1e12
        let moved = microseconds * (1 - Self.jitter + 2 * Self.jitter * share)
        return Int64(exactly: moved.rounded()).map { .microseconds($0) } ?? entry
    }
}
