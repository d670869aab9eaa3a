/// How long to wait before the next attempt: full jitter, that is any time from nothing up to a limit that doubles with each failure.
///
/// Waiters spread over the whole span, so that many clients of a server that comes back do not come together.
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
package struct Backoff: Sendable, Equatable {
    /// The limit after the first failure.
    package let base: Duration
    /// The limit never grows beyond this.
    package let cap: Duration

    /// Limits; negative ones count as zero, and a cap below the base as the base.
    package init(base: Duration = .milliseconds(50), cap: Duration = .seconds(5)) {
        self.base = max(base, .zero)
        self.cap = max(cap, max(base, .zero))
    }

    /// The longest wait after so many failures in a row; none after no failure.
    package func limit(afterFailures failures: Int) -> Duration {
        guard failures > 0 else { return .zero }
        // 30 doublings of a millisecond are twelve days: more would only overflow.
        let doublings = min(failures - 1, 30)
        let factor = 1 << doublings
        return base >= cap / factor ? cap : base * factor
    }

    /// The wait for a random number from 0 up to 1.
    package func delay(afterFailures failures: Int, random: Double) -> Duration {
        limit(afterFailures: failures) * min(max(random, 0), 1)
    }
}
