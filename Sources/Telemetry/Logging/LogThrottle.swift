/// Lets equal messages through only so often, and counts the ones it held back.
///
/// A database that is away makes every loop of a worker complain for as long as it lasts; the first lines say it all.
/// A message counts as equal to another by the text that the caller compares by, which should leave the data out.
package struct LogThrottle: Sendable {
    /// What to do with a message.
    package enum Decision: Equatable, Sendable {
        /// Write it. `suppressed` messages like it were held back since the last one that was written.
        case write(suppressed: Int)
        /// Hold it back.
        case suppress
    }

    private struct Window: Sendable {
        var start: Duration
        var written = 1
        var suppressed = 0
    }

    /// How many equal messages are written in one interval.
    package let limit: Int
    /// How long an interval lasts; it begins with the first message in it.
    package let interval: Duration
    /// The most different messages that are remembered. A message beyond that is written.
    package static let memory = 256

    private var windows: [String: Window] = [:]

    /// A throttle that has seen nothing yet.
    package init(limit: Int = 10, interval: Duration = .seconds(10)) {
        self.limit = limit
        self.interval = interval
    }

    /// Decides about `message` at `now`, a monotonic time since any fixed moment.
    package mutating func decide(about message: String, at now: Duration) -> Decision {
        guard var window = windows[message] else {
            makeRoom(at: now)
            if windows.count < Self.memory {
                windows[message] = Window(start: now)
            }
            return .write(suppressed: 0)
        }
        if now - window.start >= interval {
            windows[message] = Window(start: now)
            return .write(suppressed: window.suppressed)
        }
        guard window.written < limit else {
            window.suppressed += 1
            windows[message] = window
            return .suppress
        }
        window.written += 1
        windows[message] = window
        return .write(suppressed: 0)
    }

    /// Forgets the messages whose interval is over, once there are too many.
    private mutating func makeRoom(at now: Duration) {
        guard windows.count >= Self.memory else { return }
        windows = windows.filter { now - $0.value.start < interval }
    }
}
