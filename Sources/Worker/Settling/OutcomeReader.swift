import Courier
import Outbox
import OutboxStore

/// Reads a courier's result into a settlement. No I/O; the random number and the clocks are given.
struct OutcomeReader: Sendable {
    /// What is worth counting of a result, beside the settlement.
    struct Reading: Sendable {
        var settlement: Settlement
        /// Nil when nothing was sent.
        var verdict: AttemptVerdict?
        var errorCode: ErrorCode?
    }

    func read(
        _ result: CourierResult, of outgoing: OutgoingDelivery, now: ContinuousClock.Instant, wallClock: Int64,
        random: Double
    ) -> Reading {
        let observation: AttemptObservation
        switch result.outcome {
        case .answered(let answer): observation = .answered(status: answer.status, retryAfter: answer.retryAfter)
        case .failed(let code, let detail): observation = .failed(code, detail: detail)
        case .notSent: return Reading(settlement: Settlement(outgoing.delivery, .released))
        case .interrupted: return interrupted(result, of: outgoing)
        }
        let decision = outgoing.endpoint.policy.decide(
            observation, attempt: outgoing.delivery.attemptInSchedule, expiresIn: outgoing.expiresAt.map { $0 - now },
            now: wallClock / 1_000_000, random: random)
        var settlement = attempt(result, of: outgoing)
        switch decision.verdict {
        case .delivered: settlement.outcome = .delivered
        case .retry(let wait), .expires(let wait):
            settlement.outcome = .retry
            settlement.delay = wait
        case .dead(let reason):
            settlement.outcome = .dead
            settlement.reason = reason.rawValue
        case .endpointGone: settlement.outcome = .gone
        }
        settlement.httpStatus = observation.httpStatus
        settlement.errorCode = decision.errorCode?.rawValue
        settlement.error = Self.message(observation)
        return Reading(settlement: settlement, verdict: decision.verdict, errorCode: decision.errorCode)
    }

    /// The pool was told to stop while the request was under way: it may have arrived, so the attempt counts, and the
    /// delivery is due again at once, unless it was the last one.
    private func interrupted(_ result: CourierResult, of outgoing: OutgoingDelivery) -> Reading {
        var settlement = attempt(result, of: outgoing)
        let isLast = outgoing.delivery.attemptInSchedule >= outgoing.endpoint.policy.maxAttempts
        settlement.outcome = isLast ? .dead : .retry
        settlement.reason = isLast ? DeadReason.attemptsExhausted.rawValue : nil
        settlement.errorCode = ErrorCode.internalError.rawValue
        settlement.error = "the worker was stopped before the answer was in"
        return Reading(
            settlement: settlement, verdict: isLast ? .dead(.attemptsExhausted) : .retry(after: .zero),
            errorCode: .internalError)
    }

    private func attempt(_ result: CourierResult, of outgoing: OutgoingDelivery) -> Settlement {
        var settlement = Settlement(outgoing.delivery, .retry)
        settlement.startedAt = result.startedAt
        settlement.duration = Int32(clamping: result.timings.total)
        settlement.url = outgoing.endpoint.urlID
        settlement.remoteAddress = result.remoteAddress?.description
        settlement.firstByte = Int32(clamping: result.timings.firstByte)
        if !result.timings.reusedConnection {
            settlement.nameLookup = Int32(clamping: result.timings.nameLookup)
            settlement.connect = Int32(clamping: result.timings.connect)
            settlement.tls = result.timings.tls > 0 ? Int32(clamping: result.timings.tls) : nil
        }
        if case .answered(let answer) = result.outcome, !answer.bodyPrefix.isEmpty {
            settlement.responseBody = StorableText.text(answer.bodyPrefix)
        }
        return settlement
    }

    private static func message(_ observation: AttemptObservation) -> String? {
        switch observation {
        case .answered(let status, _):
            observation.errorCode == nil ? nil : "the endpoint answered \(status)"
        case .failed(_, let detail): StorableText.text(Array(detail.utf8))
        }
    }
}
