/// What becomes of a delivery after anything that a worker can see of it. No other place decides it. No I/O; the clock and the
/// random number are given.
package struct DeliveryDecision: Hashable, Sendable {
    /// What becomes of a delivery. All waits count from now.
    package enum Outcome: Hashable, Sendable {
        /// The endpoint took the event: done.
        case delivered
        /// Due again after this wait. If the event expires first, due when it does: the next claim ends it as expired.
        case retry(after: Duration)
        /// Given up: it becomes a dead letter.
        case dead(DeadReason)
        /// Given up before this attempt began: none is left of those allowed. The last attempt on record says why.
        case spent
        /// The endpoint answered 410: it is disabled, and the delivery is held until an operator resumes the endpoint.
        case gone
        /// The receiver asked for nothing more in another answer than 410: the same.
        case disabled
        /// Past its expiry. Nothing was sent.
        case expired
        /// The endpoint's filter or transform does not want it. Nothing was sent.
        case filtered(String)
        /// Given back, its attempt uncounted. Nothing was sent. A cancelled delivery ends this way.
        case released
    }

    package let outcome: Outcome
    /// Why the attempt failed; nil when it succeeded, and when there was none.
    package let errorCode: ErrorCode?
    /// What it says about the endpoint.
    package let signal: EndpointSignal

    /// - Parameters:
    ///   - attempt: the number of this attempt in the retry schedule, from 1.
    ///   - policy: the endpoint's.
    ///   - expiresIn: the time until the event expires, or nil when it never does.
    ///   - now: the current time in seconds since 1970, for dates in `Retry-After`.
    ///   - random: a random number from 0 up to, not including, 1, for the jitter of a wait; 0.5 for none. Asked for only
    ///     where there is a wait, since it costs a system call.
    package init(
        after observation: DeliveryObservation, attempt: Int, policy: RetryPolicy, expiresIn: Duration? = nil,
        now: Int64, random: @autoclosure () -> Double = 0.5
    ) {
        /// The next attempt follows after a wait, unless this was the last one or the event expires first.
        func tryAgain(retryAfter: [String] = []) -> Outcome {
            guard !policy.isLast(attempt) else { return .dead(.attemptsExhausted) }
            let wait = policy.wait(afterAttempt: attempt, retryAfter: retryAfter, now: now, random: random())
            guard let expiresIn else { return .retry(after: wait) }
            return .retry(after: min(wait, max(expiresIn, .zero)))
        }

        // What is wrong can be put right without touching the delivery. No jitter: no endpoint sees the crowd.
        func tryLater() -> Outcome {
            policy.isLast(attempt)
                ? .dead(.attemptsExhausted)
                : .retry(after: policy.schedule.delay(afterAttempt: attempt, random: 0.5))
        }

        func refused(_ status: Int, _ retryAfter: [String], _ directive: ReceiverDirective?) -> Outcome {
            switch directive {
            case .disable: .disabled
            case .abortMessage: .dead(.abortMessage)
            case nil:
                policy.permanentStatus.contains(status) ? .dead(.permanentStatus) : tryAgain(retryAfter: retryAfter)
            }
        }

        signal = EndpointSignal(after: observation, now: now)
        outcome =
            switch observation {
            case .answered(let status, let retryAfter, let directive):
                switch AnswerKind(status: status) {
                case .success: .delivered
                case .gone: .gone
                case .redirect, .refusal, .malformed: refused(status, retryAfter, directive)
                }
            case .failed(let code, _):
                switch code {
                // No later attempt can end otherwise.
                case .invalidURL: .dead(.invalidURL)
                case .invalidHeaders: .dead(.invalidHeaders)
                case .invalidEndpoint: .dead(.invalidEndpoint)
                case .invalidEvent: .dead(.invalidEvent)
                case .eventMissing: .dead(.eventMissing)
                // No endpoint's fault, so no attempt.
                case .proxyError: .released
                case .timeout, .connectTimeout, .connectionRefused, .connectionReset, .networkUnreachable, .dnsFailure,
                    .tlsFailure, .blockedAddress, .redirect, .httpStatus, .protocolError, .responseTooLarge,
                    .lostLease, .secretUnavailable, .tokenFailure, .filterError, .transformError, .internalError:
                    tryAgain()
                }
            // The next worker need not wait: the endpoint did nothing wrong.
            case .interrupted: policy.isLast(attempt) ? .dead(.attemptsExhausted) : .retry(after: .zero)
            case .notSent, .heldBack, .cancelled: .released
            case .unsendable(let obstacle):
                switch obstacle.kind {
                case .invalidURL: .dead(.invalidURL)
                case .invalidHeaders: .dead(.invalidHeaders)
                case .invalidEndpoint: .dead(.invalidEndpoint)
                case .invalidEvent: .dead(.invalidEvent)
                case .blockedAddress:
                    obstacle.isOfThisProcess ? tryLater() : .dead(.blockedAddress)
                case .secretUnavailable, .keyMissing: tryLater()
                }
            case .eventMissing: .dead(.eventMissing)
            case .noneLeft: .spent
            case .numbersUsedUp: .dead(.attemptsExhausted)
            case .expired: .expired
            case .filtered(let why): .filtered(why)
            }
        errorCode = outcome == .released ? nil : observation.errorCode
    }
}
