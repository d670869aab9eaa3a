/// How many attempts a delivery may take, and how long to wait between them. What follows from it after an attempt is
/// ``DeliveryDecision``'s part.
package struct RetryPolicy: Hashable, Sendable {
    package let schedule: RetrySchedule
    /// How many attempts a delivery may take, the first included: 1 to ``Limits/maxAttempts``.
    package let maxAttempts: Int
    /// After these no further attempt is made.
    package let permanentStatus: StatusList

    /// - Parameter maxAttempts: nil for as many as use every wait of the schedule once.
    package init(
        schedule: RetrySchedule = .standard, maxAttempts: Int? = nil, permanentStatus: StatusList = .none
    ) throws(InvalidText) {
        let attempts = maxAttempts ?? schedule.defaultMaxAttempts
        guard (1...Limits.maxAttempts).contains(attempts) else {
            throw InvalidText(.maxAttempts, "\(attempts) attempts are not between 1 and \(Limits.maxAttempts)")
        }
        self.schedule = schedule
        self.maxAttempts = attempts
        self.permanentStatus = permanentStatus
    }

    /// For an endpoint whose policy cannot be read, so that its deliveries are given up at once.
    package static let none = RetryPolicy(checked: .standard, 1)

    private init(checked schedule: RetrySchedule, _ maxAttempts: Int) {
        self.schedule = schedule
        self.maxAttempts = maxAttempts
        permanentStatus = .none
    }

    /// Whether no attempt may follow this one.
    package func isLast(_ attempt: Int) -> Bool { attempt >= maxAttempts }

    /// Whether this attempt is one too many. An attempt is counted when it is claimed, so a claim gets here only when the
    /// worker of the last attempt never reported.
    package func isBeyondLast(_ attempt: Int) -> Bool { attempt > maxAttempts }

    /// The wait after a failed attempt: the schedule's, or longer if the answer asks for it, never shorter.
    ///
    /// - Parameters:
    ///   - attempt: the number of the attempt that failed, from 1.
    ///   - retryAfter: the values of all `Retry-After` headers, as they came.
    ///   - now: the current time in seconds since 1970.
    ///   - random: a random number from 0 up to, not including, 1.
    package func wait(afterAttempt attempt: Int, retryAfter: [String] = [], now: Int64, random: Double) -> Duration {
        let scheduled = schedule.delay(afterAttempt: attempt, random: random)
        guard let asked = RetryAfter.wait(retryAfter, now: now) else { return scheduled }
        return max(scheduled, asked)
    }
}
