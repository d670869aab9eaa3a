/// How much work one claim may be while lively lanes are claimed: so much that it is over within a time, as the last ones went.
/// Decides only; the claimer acts.
///
/// What becomes due has to wait for the claim on its way, so its time is the wait of an endpoint that is quick itself. Where
/// there is none, large claims are better: they cost less for each delivery.
struct ClaimPace: Sendable {
    /// How long a claim may take, from its statement until its requests are with the couriers.
    static let longest = Duration.milliseconds(10)
    /// The least and the most work. With less, the fixed part of a claim is most of it, a wait for the disk for example, and
    /// smaller claims would not be shorter; with more, lane locks are held long.
    static let least = 80
    static let most = 768

    /// In units of ``ClaimPlan/workOfRow``.
    private(set) var work = 160

    /// A claim that was so much work took so long. One that was much less than it could have been says little.
    ///
    /// Slowly up and faster down, since one claim in some waits for the disk.
    mutating func took(_ time: Duration, work done: Int) {
        guard done * 4 >= work * 3 else { return }
        work = time > Self.longest ? max(Self.least, work * 3 / 4) : min(Self.most, work * 9 / 8)
    }
}
