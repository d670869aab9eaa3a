import Outbox
import OutboxStore

extension Settlement {
    /// An attempt in which nothing could be sent, for a reason that lies with the endpoint's settings or the event.
    ///
    /// What can be mended without a new event follows the retry schedule's first wait; the rest is dead at once.
    static func unsent(
        _ delivery: ClaimedDelivery, _ endpoint: Endpoint, _ code: ErrorCode, _ message: String, _ wallClock: Int64
    ) -> Settlement {
        let observation = AttemptObservation.failed(code, detail: message)
        let decision = endpoint.policy.decide(
            observation, attempt: delivery.attemptInSchedule, now: wallClock / 1_000_000, random: 0.5)
        var settlement = Settlement(delivery, .dead)
        switch (code, decision.verdict) {
        case (.secretUnavailable, .retry(let wait)):
            settlement.outcome = .retry
            settlement.delay = wait
        case (_, .dead(let reason)): settlement.reason = reason.rawValue
        default: settlement.reason = code.rawValue
        }
        settlement.startedAt = wallClock
        settlement.url = endpoint.urlID
        settlement.errorCode = code.rawValue
        settlement.error = message
        return settlement
    }
}
