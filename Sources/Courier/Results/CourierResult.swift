package import Outbox

/// What became of one request, and what is worth recording about it.
package struct CourierResult: Sendable {
    /// The request, the very object that was submitted.
    package var request: any CourierRequest
    /// When the courier began with it: microseconds since 1970 by the worker's clock.
    package var startedAt: Int64
    /// What became of it.
    package var outcome: CourierOutcome
    /// The address that was connected to, or tried last; nil when none was.
    package var remoteAddress: IPAddress?
    /// The address that the policy forbids, when that is why the attempt failed. For the operator's log, never for the
    /// endpoint's owner: it would tell him about the network that the worker is in.
    package var blockedAddress: IPAddress?
    /// Where the time went.
    package var timings: CourierTimings

    /// A result.
    package init(
        request: any CourierRequest, startedAt: Int64, outcome: CourierOutcome, remoteAddress: IPAddress? = nil,
        blockedAddress: IPAddress? = nil, timings: CourierTimings = CourierTimings()
    ) {
        self.request = request
        self.startedAt = startedAt
        self.outcome = outcome
        self.remoteAddress = remoteAddress
        self.blockedAddress = blockedAddress
        self.timings = timings
    }
}
