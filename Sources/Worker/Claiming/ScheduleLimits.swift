/// Who may hold how much of this worker's permits and payload bytes.
struct ScheduleLimits: Equatable, Sendable {
    /// The most deliveries of one lane that are not answered. More would not make an endpoint faster, and it is what can hang at once
    /// before a lane that was quick is known to hang.
    static let highestLaneShare = 512
    /// A lane that holds fewer is served as one without a backlog. Fewer, and a lane with some events a second falls behind a
    /// crowd while its last outcomes are recorded; more, and lanes with a backlog are taken for lively.
    static let few = 8
    /// Suspects together hold at most this part of the permits and bytes. Less, and those that recover wait long for their
    /// probe; more, and those that hang take what the quick ones could use.
    static let suspectPart = 4
    /// This part is kept for proven lanes that hold nothing, and half of it for those of tenants that hold little. Less, and a
    /// quick lane waits when everything else hangs; more, and it lies idle.
    static let reservePart = 16

    let permits: Int
    let bytes: Int

    init(permits: Int, bytes: Int) {
        self.permits = max(1, permits)
        self.bytes = max(1, bytes)
    }

    var laneShare: Int { max(1, min(Self.highestLaneShare, permits * 2 / 3)) }
    /// The most permits of one lane that is answered quickly, with those of answers that are not recorded yet. With as many again as may be
    /// unanswered, and half of all at most, hundreds are recorded and claimed at once, which costs much less for each.
    var laneTotal: Int { max(laneShare, min(2 * Self.highestLaneShare, permits / 2)) }
    var suspectPermits: Int { max(1, permits / Self.suspectPart) }
    var suspectBytes: Int { max(1, bytes / Self.suspectPart) }
    var reserve: Int { permits > 1 ? max(1, permits / Self.reservePart) : 0 }
    var reservedBytes: Int { bytes / Self.reservePart }
    /// What everything but the first permits of proven lanes may use.
    var open: Int { permits - reserve }
    /// This much of the reserve is for the lanes of tenants that hold less than the reserve.
    var reserveOfSmallTenants: Int { reserve / 2 }
}
