/// When to look for what was written, and how long to wait in between. Decides only; the claimer acts.
///
/// A look costs what was written since the one before it, so it may be asked for often: every 2 ms while there is news, and
/// less often the longer there has been none. After a few seconds of silence, a worker that has nothing in flight has its looks wait
/// in the database.
struct LookPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two looks, by how long ago one found something.
    static let pauses: [(foundWithin: Duration, pause: Duration)] = [
        (.milliseconds(250), .milliseconds(2)), (.seconds(2), .milliseconds(5)), (.seconds(4), .milliseconds(20)),
    ]
    static let idlePause = Duration.milliseconds(40)
    /// A look of a worker that has nothing to do waits in the database for something to find, so long at most. With less, an
    /// idle worker costs more; with more, it holds back vacuums, and what else it has to do comes later.
    static let longestWait = Duration.milliseconds(250)
    /// A look is followed by a pause as long as it took, and this at most. It reads what was written since the one before it and
    /// never twice, so one that took long says nothing of the next: it read much, or it waited for a processor while thousands of requests
    /// went out. Longer, and what becomes due in a quick lane waits behind that; shorter, and looks at a slow database follow each
    /// other without a pause.
    static let longestPause = Duration.milliseconds(4)

    /// When the next look is due.
    private(set) var next: Instant
    private var lastFind: Instant

    init(now: Instant) {
        next = now
        // What was there before is for the walk to find: of a backlog, a look finds nothing.
        lastFind = now - Self.pauses[0].foundWithin
    }

    /// - Parameter wait: how long it was allowed to wait in the database.
    mutating func looked(found: Bool, began: Instant, wait: Duration = .zero, now: Instant) {
        if found { lastFind = now }
        let took = max(.zero, now - began - wait)
        next = max(began + (pause(now) ?? Self.idlePause), now + min(took, Self.longestPause))
    }

    /// The database failed: for some seconds no look waits there.
    mutating func failed(_ now: Instant) { lastFind = now }

    /// How long the next look may wait in the database.
    ///
    /// - Parameter free: for how long the worker has nothing else to do.
    func wait(_ now: Instant, free: Duration) -> Duration {
        guard pause(now) == nil, free > Self.idlePause else { return .zero }
        return min(free, Self.longestWait)
    }

    /// Between two looks, while something was found lately.
    private func pause(_ now: Instant) -> Duration? {
        let age = now - lastFind
        return Self.pauses.first { age <= $0.foundWithin }?.pause
    }
}
