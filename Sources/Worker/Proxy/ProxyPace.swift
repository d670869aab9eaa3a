/// How the work slows down while the proxy fails. Decides only.
///
/// Nothing is claimed for a pause, which grows; then a few deliveries show whether it works again. The lane of each one that could
/// not be sent rests for as long as the trouble has lasted: each claim uses up a number of its delivery.
struct ProxyPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two tries for all endpoints together.
    static let firstPause = Duration.milliseconds(100)
    static let longestPause = Duration.seconds(2)
    /// How many deliveries a try is made of: several, since one whose endpoint the proxy cannot reach says nothing of it.
    static let room = 16
    /// How long the lane of a delivery rests that could not be sent. Longer, and what is due arrives later when the proxy works
    /// again; shorter, and a delivery uses up its numbers within days.
    static let shortestRest = Duration.milliseconds(500)
    static let longestRest = Duration.seconds(30)

    /// After so long without a failure nothing is known of the proxy: what is due would have failed again.
    static let memory = Duration.seconds(60)

    private var failures = 0
    private var lastFailure: Instant?
    private var since: Instant?
    private var pauseEnd: Instant?

    /// What a crowd was told at once counts once.
    mutating func failed(_ now: Instant) {
        lastFailure = now
        guard pauseEnd.map({ now >= $0 }) ?? true else { return }
        failures = min(failures + 1, 10)
        since = since ?? now
        pauseEnd = now + min(Self.firstPause * (1 << (failures - 1)), Self.longestPause)
    }

    mutating func served() { self = ProxyPace() }

    /// Whether its last failure is so long ago.
    func isOver(_ now: Instant) -> Bool { lastFailure.map { now - $0 > Self.memory } ?? false }

    /// How long nothing is claimed from now on.
    func pause(_ now: Instant) -> Duration { pauseEnd.map { max(.zero, $0 - now) } ?? .zero }

    /// How many deliveries may be claimed now.
    func room(_ now: Instant) -> Int {
        guard pause(now) == .zero else { return 0 }
        return failures > 0 ? Self.room : .max
    }

    /// How long the lane of a delivery rests that the proxy did not take.
    func rest(_ now: Instant) -> Duration {
        min(max(since.map { now - $0 } ?? .zero, Self.shortestRest), Self.longestRest)
    }
}
