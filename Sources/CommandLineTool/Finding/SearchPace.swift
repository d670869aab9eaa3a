/// How much a step of a search looks at. Decides only.
///
/// Mostly the first rows are enough, so a search begins small; one that goes on takes more and more, as long as a step stays short
/// enough to tell a person how far it came.
struct SearchPace {
    /// A step that is done more quickly is followed by a larger one.
    static let quick = Duration.milliseconds(250)
    /// A step that takes longer is followed by a smaller one.
    static let slow = Duration.seconds(1)
    /// More would need too much memory there.
    static let most: Int32 = 100_000
    /// Fewer are not worth a statement.
    static let least: Int32 = 200

    /// How many the next step looks at.
    private(set) var count: Int32

    /// - Parameter limit: the rows that are wanted.
    init(limit: Int32) {
        count = min(max(limit, Self.least), Self.most)
    }

    mutating func took(_ duration: Duration) {
        if duration < Self.quick { count = min(count * 4, Self.most) }
        if duration > Self.slow { count = max(count / 2, Self.least) }
    }
}
