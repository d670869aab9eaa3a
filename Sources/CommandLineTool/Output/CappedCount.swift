/// A count that may have stopped at a limit.
enum CappedCount {
    /// The count, with `+` behind it when counting stopped early: there may be more.
    static func text(_ count: Int64, isCapped: Bool) -> String {
        isCapped && count > 0 ? "\(count)+" : "\(count)"
    }

    /// As ``text(_:isCapped:)``, in a sentence: `1 delivery`, `100000+ deliveries`.
    static func deliveries(_ count: Int64, isCapped: Bool) -> String {
        isCapped ? "\(text(count, isCapped: true)) deliveries" : Plural.deliveries(count)
    }
}
