import OutboxStore

/// When to look at the doorbell, when to look for lanes, when to claim, and how long to wait in between. Decides only; the
/// claimer acts. Times are instants of one monotonic clock.
///
/// The doorbell rings when an insert has run, not when it commits: after a ring the lanes are looked at again after 1, 2,
/// 4, … ms. Rings may be missed: so the lanes are looked at every second, and every few seconds before their hints too.
struct ClaimPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two looks at the doorbell, by how long ago it rang at most.
    static let bells: [(rangWithin: Duration, pause: Duration)] = [
        (.milliseconds(250), .milliseconds(2)), (.seconds(2), .milliseconds(5)), (.seconds(4), .milliseconds(25)),
    ]
    static let idleBellPause = Duration.milliseconds(50)
    /// Between two looks at the lanes when the doorbell is silent.
    static let longestPause = Duration.seconds(1)
    /// Between two looks before the hints.
    static let unhintedPause = Duration.seconds(2)
    /// Between two looks at the lanes at least; and a look that took long is not repeated before ten times that.
    static let shortestLookPause = Duration.milliseconds(1)
    static let lookShare = 10
    /// After a claim that got nothing of lanes that have something: locked by others, or at a limit.
    static let emptyClaimPause = Duration.milliseconds(2)
    static let longestEmptyClaimPause = Duration.milliseconds(20)
    /// While more than this share of the permits is held, a claim waits for more to come back, but not for long.
    static let fewPermits = 16
    static let fewPermitsWait = Duration.milliseconds(1)

    /// Lanes known to have something due, in the order of their ids.
    private(set) var lanes: [Int32] = []
    private var turn = 0
    private var bell: Int64?
    private var lastRing: Instant
    private var nextBell: Instant
    private var nextLook: Instant
    private var nextUnhinted: Instant
    /// Whether the next claim goes before the hints: what the last look found there has to be claimed there too.
    private(set) var claimsUnhinted = false
    private var earliestLook: Instant
    private var nextClaim: Instant
    private var emptyClaims = 0
    /// How old the last ring was when the lanes were last looked at.
    private var ringWait = Self.shortestLookPause

    init(now: Instant) {
        lastRing = now
        nextBell = now
        nextLook = now
        nextUnhinted = now
        earliestLook = now
        nextClaim = now
    }

    // MARK: Doorbell

    func isBellDue(_ now: Instant) -> Bool { now >= nextBell }

    mutating func heard(_ value: Int64, _ now: Instant) {
        if value != bell {
            if bell != nil {
                lastRing = now
                ringWait = Self.shortestLookPause
            }
            bell = value
            nextLook = min(nextLook, now)
        }
        let age = now - lastRing
        nextBell = now + (Self.bells.first { age <= $0.rangWithin }?.pause ?? Self.idleBellPause)
    }

    // MARK: Lanes

    func isLookDue(_ now: Instant) -> Bool { now >= nextLook && now >= earliestLook }

    /// Whether the look that is due should go before the lanes' hints too.
    func isUnhinted(_ now: Instant) -> Bool { now >= nextUnhinted }

    mutating func discovered(_ rows: [DiscoverLanes.Row], began: Instant, now: Instant) {
        if isUnhinted(began) {
            nextUnhinted = now + Self.unhintedPause
            claimsUnhinted = true
        }
        let isNew = rows.contains { $0.dueIn == .zero && !lanes.contains($0.endpoint) }
        lanes = rows.filter { $0.dueIn == .zero }.map(\.endpoint)
        if isNew || lanes.isEmpty {
            nextClaim = now
            emptyClaims = 0
        }
        earliestLook = now + max(Self.shortestLookPause, (now - began) * Self.lookShare)
        nextLook = now + Self.longestPause
        if let soonest = rows.lazy.map(\.dueIn).filter({ $0 > .zero }).min() { nextLook = min(nextLook, now + soonest) }
        // The insert that rang may not be committed yet.
        if now - lastRing < Self.longestPause {
            nextLook = min(nextLook, now + ringWait)
            // Bounded: other looks come in between, as often as every millisecond, and each would double it.
            ringWait = min(ringWait * 2, Self.longestPause)
        }
    }

    /// Looks at the lanes before the usual time: something has changed.
    mutating func lookSoon(_ now: Instant) { nextLook = min(nextLook, now) }

    // MARK: Claims

    func isClaimDue(_ now: Instant, free: Int, limit: Int) -> Bool {
        guard !lanes.isEmpty, free > 0 else { return false }
        let isWorthIt = free * Self.fewPermits >= limit
        return now >= (isWorthIt ? nextClaim : nextClaim + Self.fewPermitsWait)
    }

    /// The lanes in the order of this turn: each turn begins with the next one.
    func ring() -> [Int32] {
        guard !lanes.isEmpty else { return [] }
        let first = turn % lanes.count
        return Array(lanes[first...] + lanes[..<first])
    }

    /// - Parameters:
    ///   - got: how many rows the claim brought.
    ///   - wanted: how many it could have brought.
    mutating func claimed(_ got: Int, wanted: Int, _ now: Instant) {
        turn &+= 1
        // As long as there is something before the hints, the lanes are emptied from there.
        if got < wanted { claimsUnhinted = false }
        guard got == 0 else {
            emptyClaims = 0
            nextClaim = now
            // The lanes had less than was asked for: which of them have anything left?
            if got < wanted { lookSoon(now) }
            return
        }
        nextClaim = now + min(Self.emptyClaimPause * (1 << min(emptyClaims, 5)), Self.longestEmptyClaimPause)
        emptyClaims += 1
    }

    /// Something was settled: what stood at a limit may go on, and the next event of an ordering key.
    mutating func settled(_ now: Instant) {
        guard emptyClaims > 0 else { return }
        emptyClaims = 0
        nextClaim = min(nextClaim, now + Self.shortestLookPause)
    }

    // MARK: Waiting

    /// How long nothing is due.
    func pause(_ now: Instant, hasRoom: Bool) -> Duration {
        guard hasRoom else { return Self.longestPause }
        var next = min(nextBell, max(nextLook, earliestLook))
        if !lanes.isEmpty { next = min(next, max(nextClaim, now)) }
        return max(next - now, .microseconds(200))
    }
}
