/// When to look for what was written, and how long to wait in between. Decides only; the claimer acts.
///
/// A look costs what was written since the one before it, so it may be asked for often: every 2 ms while there is news, and
/// less often the longer there has been none.
struct LookPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two looks, by how long ago one found something.
    static let pauses: [(foundWithin: Duration, pause: Duration)] = [
        (.milliseconds(250), .milliseconds(2)), (.seconds(2), .milliseconds(5)), (.seconds(4), .milliseconds(20)),
    ]
    static let idlePause = Duration.milliseconds(40)
    /// A look that took long is not repeated before this many times as long: it had much to read. But a database that is slow
    /// must not make a worker deaf.
    static let share = 3
    static let longestPause = Duration.milliseconds(500)

    /// When the next look is due.
    private(set) var next: Instant
    private var lastFind: Instant

    init(now: Instant) {
        next = now
        lastFind = now
    }

    mutating func looked(found: Bool, began: Instant, now: Instant) {
        if found { lastFind = now }
        let age = now - lastFind
        let pause = Self.pauses.first { age <= $0.foundWithin }?.pause ?? Self.idlePause
        next = max(began + pause, now + min((now - began) * Self.share, Self.longestPause))
    }
}
