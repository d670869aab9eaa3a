import Postgres

/// When this worker may take over deliveries whose leases have ended. Decides only.
///
/// Usually at once. But after the database was away for all workers, leases have ended whose owners hold the outcomes: the worker
/// that is back first leaves them alone until the others have had the time to come back and record them.
struct HeadStart: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After a reconnect or a stall. Workers connect again within a second, as a rule, and record what they have in another.
    static let afterAbsence = Duration.seconds(5)
    /// After the start, when it is not known whether the database was away. Shorter: there may be no other worker.
    static let afterStart = Duration.seconds(2)
    /// A turn of the loop that takes longer is a stall: of the database, of the network or of this process.
    static let longestTurn = Duration.seconds(3)
    /// A claim that reaches the database this much later than it was sent was stalled on its way.
    static let longestWay = Duration.seconds(1)

    private var until: Instant
    private var lastTurn: Instant

    init(now: Instant) {
        until = now + Self.afterStart
        lastTurn = now
    }

    /// The connection is another one.
    mutating func reconnected(_ now: Instant) {
        until = max(until, now + Self.afterAbsence)
    }

    /// The loop of the claimer turns.
    mutating func turned(_ now: Instant) {
        if now - lastTurn > Self.longestTurn { until = max(until, now + Self.afterAbsence) }
        lastTurn = now
    }

    /// Whether leases that have ended may be ended or taken over.
    func isOver(_ now: Instant) -> Bool { now >= until }

    /// Leases that ended after this are not to be taken over.
    ///
    /// - Parameter time: what the database's clock shows now, by this worker's reckoning.
    func lapsed(_ time: PostgresTimestamp, now: Instant) -> PostgresTimestamp {
        isOver(now) ? time.advanced(by: Self.longestWay) : .negativeInfinity
    }
}
