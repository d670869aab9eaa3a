/// Decides what becomes of a delivery after an attempt.
package struct RetryPolicy: Hashable, Sendable {
    /// The waits between attempts.
    package let schedule: RetrySchedule
    /// How many attempts a delivery may take, the first included: 1 to ``Limits/maxAttempts``.
    package let maxAttempts: Int

    /// - Parameter maxAttempts: nil for as many as use every wait of the schedule once.
    package init(schedule: RetrySchedule = .standard, maxAttempts: Int? = nil) throws(InvalidText) {
        let attempts = maxAttempts ?? schedule.defaultMaxAttempts
        guard (1...Limits.maxAttempts).contains(attempts) else {
            throw InvalidText(.maxAttempts, "\(attempts) attempts are not between 1 and \(Limits.maxAttempts)")
        }
        self.schedule = schedule
        self.maxAttempts = attempts
    }

    /// The nearest policy that is allowed: for what is stored already and must be worked with.
    package init(schedule: RetrySchedule, clampingMaxAttempts maxAttempts: Int) {
        self.schedule = schedule
        self.maxAttempts = min(max(maxAttempts, 1), Limits.maxAttempts)
    }

    /// The decision after one attempt.
    ///
    /// A 2xx answer is success and 410 closes the endpoint; anything else that can change by itself follows the
    /// schedule, and a `Retry-After` can make the wait longer, never shorter. A URL that breaks a rule and an event that
    /// is gone cannot change: these end at once.
    ///
    /// - Parameters:
    ///   - observation: what the sender saw.
    ///   - attempt: the number of this attempt, from 1.
    ///   - expiresIn: the time until the event expires, or nil when it never does.
    ///   - now: the current time in seconds since 1970, for dates in `Retry-After`.
    ///   - random: a random number from 0 up to, not including, 1.
    package func decide(
        _ observation: AttemptObservation, attempt: Int, expiresIn: Duration? = nil, now: Int64, random: Double
    ) -> AttemptDecision {
        guard let code = observation.errorCode else { return AttemptDecision(verdict: .delivered, errorCode: nil) }
        let scheduled = schedule.delay(afterAttempt: attempt, random: random)
        var wait = scheduled
        if case .answered(let status, let values) = observation {
            guard status != 410 else {
                return AttemptDecision(verdict: .endpointGone(after: scheduled), errorCode: code)
            }
            if let asked = RetryAfter.wait(values, now: now), asked > .zero {
                wait = max(scheduled, asked)
            }
        }
        let verdict = verdict(code: code, attempt: attempt, wait: wait, expiresIn: expiresIn)
        return AttemptDecision(verdict: verdict, errorCode: code)
    }

    private func verdict(code: ErrorCode, attempt: Int, wait: Duration, expiresIn: Duration?) -> AttemptVerdict {
        switch code {
        case .invalidURL: return .dead(.invalidURL)
        case .eventMissing: return .dead(.eventMissing)
        default: break
        }
        guard attempt < maxAttempts else { return .dead(.attemptsExhausted) }
        if let expiresIn, wait >= expiresIn { return .expires(after: max(expiresIn, .zero)) }
        return .retry(after: wait)
    }

    /// The statuses that speak for the whole endpoint rather than for this event (Standard Webhooks 1.0.0).
}
