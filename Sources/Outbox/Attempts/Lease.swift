/// How long a worker owns a delivery that it claimed, and until when it may still begin to send it.
///
/// The database's clock decides when a lease ends; the worker counts on its own monotonic clock from the moment before
/// it asked. It asked before it was answered, so its count always ends first.
package struct Lease: Hashable, Sendable {
    /// The longest that one attempt takes, from beginning to end.
    package let timeout: Duration
    /// The time beside that: for waiting in the worker before the attempt, and for recording the outcome after it.
    package let slack: Duration

    /// A lease for attempts of at most `timeout`. What is outside ``Limits/timeout`` or ``Limits/leaseSlack`` becomes the
    /// nearest that is allowed: a lease has to outlast the attempt with room to record it, or a second worker repeats
    /// what the first one is still doing.
    package init(timeout: Duration, slack: Duration) {
        self.timeout = timeout.clamped(to: Limits.timeout)
        self.slack = slack.clamped(to: Limits.leaseSlack)
    }

    /// How long the lease lasts.
    package var duration: Duration { timeout + slack }

    /// The part of the slack that is kept for recording the outcome.
    package var settleMargin: Duration { slack / 3 }

    /// The last moment at which an attempt can begin and still end, and be recorded, while the lease lasts.
    ///
    /// - Parameter claimRequestedAt: when the worker asked for the delivery, read before the request was sent.
    package func mustStartBefore<Instant: InstantProtocol>(claimRequestedAt: Instant) -> Instant
    where Instant.Duration == Duration {
        claimRequestedAt.advanced(by: slack - settleMargin)
    }
}

extension Duration {
    /// The nearest length of time within the bounds.
    package func clamped(to bounds: ClosedRange<Duration>) -> Duration {
        min(max(self, bounds.lowerBound), bounds.upperBound)
    }
}
