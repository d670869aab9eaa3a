/// How a worker walks over all lanes: at once when it begins, and when its looks may have missed something because the
/// connection was another one; then slowly, as the net under the looks. Decides only; the claimer acts.
struct LaneWalk: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two strides of a slow walk.
    static let stridePause = Duration.milliseconds(250)
    /// A stride that took long is followed by a pause this many times as long. But however slow the database was for a while, the
    /// walk goes on soon.
    static let share = 100
    static let longestPause = Duration.seconds(2)
    /// From one slow walk's beginning to the next one's, unless there are too many lanes for that.
    static let pace = Duration.seconds(60)

    /// The lane that was read last; nil at the beginning.
    private(set) var last: Int32?
    /// Whether it has to be done at once, and finds what there is instead of what was missed.
    private(set) var isFirst = true
    /// When the next stride is due.
    private(set) var next: Instant
    private var began: Instant

    init(now: Instant) {
        next = now
        began = now
    }

    /// Begins again at the first lane, at once.
    mutating func beginAgain(_ now: Instant) { self = LaneWalk(now: now) }

    /// - Parameters:
    ///   - last: the lane to go on from; nil when all lanes have been read.
    ///   - took: how long the stride took.
    mutating func reached(_ last: Int32?, took: Duration, now: Instant) {
        self.last = last
        let pause = min(took * Self.share, Self.longestPause)
        if last != nil {
            next = isFirst ? now : now + max(Self.stridePause, pause)
        } else {
            isFirst = false
            next = max(began + Self.pace, now + pause)
            began = next
        }
    }
}
