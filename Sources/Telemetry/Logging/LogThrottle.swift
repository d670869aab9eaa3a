/// Lets equal messages through only so often, and counts the ones it held back.
///
/// A database that is away makes every loop of a worker complain for as long as it lasts; the first lines say it all. So a
/// message that goes on is written ever more rarely: an hour of it is some thirty lines.
/// A message counts as equal to another by the text that the caller compares by, which should leave the data out.
package struct LogThrottle: Sendable {
    /// What to do with a message.
    package enum Decision: Equatable, Sendable {
        /// Write it. `suppressed` messages like it were held back since the last one that was written.
        case write(suppressed: Int)
        /// Hold it back.
        case suppress
    }

    /// A message that comes again and again.
    private struct Run: Sendable {
        /// How many more of it are written at once.
        var room: Int
        var gap: Duration
        var lastWritten: Duration
        var last: Duration
        var suppressed = 0
    }

    /// How many equal messages are written before any is held back.
    package let limit: Int
    /// A message that was silent for so long begins again; one that goes on is written after it, then after twice of it, and so on.
    package let interval: Duration
    /// The longest time between two lines. Longer, and what still goes on is told too rarely to be seen.
    package let longestInterval: Duration
    /// The most different messages that are remembered. A message beyond that is written.
    package static let memory = 256

    private var runs: [String: Run] = [:]

    /// A throttle that has seen nothing yet.
    package init(limit: Int = 10, interval: Duration = .seconds(10), longestInterval: Duration = .seconds(300)) {
        self.limit = limit
        self.interval = interval
        self.longestInterval = longestInterval
    }

    /// Decides about `message` at `now`, a monotonic time since any fixed moment.
    package mutating func decide(about message: String, at now: Duration) -> Decision {
        guard var run = runs[message], now - run.last < interval else {
            let suppressed = runs.removeValue(forKey: message)?.suppressed ?? 0
            makeRoom(at: now)
            if runs.count < Self.memory {
                runs[message] = Run(room: limit - 1, gap: interval, lastWritten: now, last: now)
            }
            return .write(suppressed: suppressed)
        }
        defer { runs[message] = run }
        run.last = now
        if run.room > 0 {
            run.room -= 1
            run.lastWritten = now
            return .write(suppressed: 0)
        }
        guard now - run.lastWritten >= run.gap else {
            run.suppressed += 1
            return .suppress
        }
        defer { run.suppressed = 0 }
        run.lastWritten = now
        run.gap = min(run.gap * 2, longestInterval)
        return .write(suppressed: run.suppressed)
    }

    /// Forgets the messages that were silent, once there are too many.
    private mutating func makeRoom(at now: Duration) {
        guard runs.count >= Self.memory else { return }
        runs = runs.filter { now - $0.value.last < interval }
    }
}
