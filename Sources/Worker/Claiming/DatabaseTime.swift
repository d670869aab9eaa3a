import Postgres

/// Tells the database's clock between two readings of it, by a monotonic clock. Where the database's clock jumps, this
/// follows at the next reading.
struct DatabaseTime: Sendable {
    private let clock: PostgresTimestamp
    private let readAt: ContinuousClock.Instant

    init(_ clock: PostgresTimestamp, readAt: ContinuousClock.Instant) {
        self.clock = clock
        self.readAt = readAt
    }

    func at(_ instant: ContinuousClock.Instant) -> PostgresTimestamp { clock.advanced(by: instant - readAt) }
}
