/// How many of the shared permits one endpoint may hold, so that endpoints which hang cannot take all of them.
///
/// The dynamic threshold of Choudhury and Hahne ("Dynamic queue length thresholds for shared-memory packet switches",
/// IEEE/ACM Transactions on Networking 6(2), 1998): no endpoint may hold more than α times what is free. A lone endpoint
/// gets α/(1+α) of all permits. As more endpoints hang, the share of each shrinks, and some permits always stay free.
package struct FairShare: Hashable, Sendable {
    /// How often the free permits go into one endpoint's share. Larger uses the pool better, smaller keeps more in
    /// reserve.
    package let alpha: Int

    /// Two: a lone endpoint gets two thirds.
    package static let standard = FairShare(alpha: 2)

    /// - Parameter alpha: 1 to 64; anything else counts as the nearer end.
    package init(alpha: Int) {
        self.alpha = min(max(alpha, 1), 64)
    }

    /// How many further permits an endpoint may take at once, so that the rule still holds after it has taken them.
    ///
    /// An endpoint that holds none may always have one while one is free, so no endpoint starves because others were first.
    /// One that holds some never takes the last.
    ///
    /// - Parameters:
    ///   - free: the permits that no endpoint holds.
    ///   - held: the permits that this endpoint holds.
    package func room(free: Int, held: Int) -> Int {
        guard free > 0 else { return 0 }
        let held = max(held, 0)
        // held + k ≤ α × (free − k), solved for k. Both sides are capped so that nothing can overflow.
        let free = min(free, Int(Int32.max))
        let share = (alpha * free - min(held, alpha * free)) / (alpha + 1)
        return held == 0 ? max(share, 1) : share
    }
}
