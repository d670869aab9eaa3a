/// How many outcomes to wait for before they are recorded together. Decides only; the settler acts.
///
/// A settle costs the database a fixed part, as much as recording fifty rows. So while outcomes come fast, a few milliseconds
/// of gathering save most of it; while they come slowly, each is recorded at once. Receivers wait for neither: a request has
/// been answered before its outcome is here. Only permits wait.
struct SettlePace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// The longest that outcomes gather. More would hold permits, and the next events of ordering keys, for nothing.
    static let longestWait = Duration.milliseconds(16)
    /// A batch that is worth its statement: twice as many rows cost hardly less each.
    static let fullBatch = 350
    /// Fewer are not worth any wait.
    static let smallBatch = 32
    /// At most this share of what is in flight is waited for: what remains keeps the endpoints busy in the meantime.
    static let share = 2

    /// Outcomes a second, as the last batches came.
    private var rate = 0.0
    private var lastTaken: Instant

    init(now: Instant) {
        lastTaken = now
    }

    /// How many outcomes to wait for, ``longestWait`` at most; 1 when none is to be waited for.
    ///
    /// - Parameter held: how many deliveries are in flight.
    func wanted(held: Int) -> Int {
        let expected = Int(clamping: Int64(min(rate * Self.longestWait.seconds, Double(Self.fullBatch))))
        let wanted = min(expected, held / Self.share)
        return wanted < Self.smallBatch ? 1 : wanted
    }

    /// - Parameter count: how many outcomes the batch holds that is recorded now.
    mutating func took(_ count: Int, _ now: Instant) {
        let seconds = max((now - lastTaken).seconds, Self.shortestMeasure)
        rate = (rate + Double(count) / seconds) / 2
        lastTaken = now
    }

    /// In seconds. Below it a rate says nothing, and it must not be divided by zero.
    private static let shortestMeasure = 0.001
}

extension Duration {
    fileprivate var seconds: Double { self / .seconds(1) }
}
