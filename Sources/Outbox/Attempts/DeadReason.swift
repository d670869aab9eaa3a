/// Why a delivery became a dead letter.
package enum DeadReason: String, CaseIterable, Sendable {
    /// Every attempt that the endpoint allows failed.
    case attemptsExhausted = "attempts_exhausted"
    /// The endpoint's URL breaks a rule, so that no attempt can ever succeed.
    case invalidURL = "invalid_url"
    /// The event is gone, so that there is nothing to send.
    case eventMissing = "event_missing"
}
