public import Outbox

/// What became of one request, and what is worth recording about it.
public struct CourierResult: Sendable {
    /// The request, the very object that was submitted.
    public var request: any CourierRequest
    /// When the courier began with it: microseconds since 1970 by the worker's clock.
    public var startedAt: Int64
    /// What became of it.
    public var outcome: CourierOutcome
    /// The address that was connected to, or tried last; nil when none was.
    public var remoteAddress: IPAddress?
    /// The address that the policy forbids, when that is why the attempt failed. For the operator's log, never for the
    /// endpoint's owner: it would tell him about the network that the worker is in.
    public var blockedAddress: IPAddress?
    /// Where the time went.
    public var timings: CourierTimings

    /// A result.
    public init(
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
