internal import Outbox

/// A request that a courier has begun with and that is not under way yet.
struct PendingRequest {
    let request: any CourierRequest
    /// Microseconds since 1970.
    let startedAt: Int64
    let begun: ContinuousClock.Instant

    /// When the whole exchange must have ended.
    var deadline: ContinuousClock.Instant { begun + request.route.timeout }

    /// The result of a request that got no further.
    func result(_ outcome: CourierOutcome, blocked: IPAddress? = nil) -> CourierResult {
        var timings = CourierTimings()
        timings.total = (ContinuousClock.now - begun).microseconds
        return CourierResult(
            request: request, startedAt: startedAt, outcome: outcome, remoteAddress: nil, blockedAddress: blocked,
            timings: timings)
    }
}
