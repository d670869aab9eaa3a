/// Lets so many requests a second through, and as many at once after a pause. Decides only.
package struct TokenBucket: Sendable {
    private let rate: Double
    private let room: Double
    private var tokens: Double
    private var filledAt: ContinuousClock.Instant

    /// - Parameter rate: requests a second, more than 0.
    package init(rate: Double, now: ContinuousClock.Instant) {
        self.rate = rate
        room = max(1, rate)
        tokens = room
        filledAt = now
    }

    /// How long it takes until there is a token; nil where there is one.
    package mutating func wait(now: ContinuousClock.Instant) -> Duration? {
        if now > filledAt {
            tokens = min(room, tokens + (now - filledAt) / .seconds(1) * rate)
            filledAt = now
        }
        return tokens >= 1 ? nil : .seconds((1 - tokens) / rate)
    }

    /// Takes a token.
    ///
    /// - Returns: nil when there was one, otherwise how long it takes until there is one.
    package mutating func take(now: ContinuousClock.Instant) -> Duration? {
        let wait = wait(now: now)
        if wait == nil { tokens -= 1 }
        return wait
    }
}
