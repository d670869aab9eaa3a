/// How late deliveries are, as far as that is known. A value; the clock is given.
struct LagMeasure: Sendable {
    /// That nothing is late is shown for so long after it was known. Looks come every second at least, and one may take some
    /// seconds.
    static let validity = Duration.seconds(10)
    /// What was late is taken to be late still, for so long; after that the measure itself is late. A statement of the claimer may
    /// take 10 s, and its next try may wait 2 s.
    static let patience = Duration.seconds(15)

    private var lag: Duration?
    /// Nil before measuring begins.
    private var at: Duration?

    mutating func begin(_ now: Duration) { at = at ?? now }

    mutating func measured(_ lag: Duration, at time: Duration) {
        self.lag = lag
        at = time
    }

    /// Nil rather than a figure that has not been true for a while.
    func seconds(_ now: Duration) -> Double? {
        guard let lag, let at else { return nil }
        let age = max(.zero, now - at)
        guard lag > .zero else { return age > Self.validity ? nil : 0 }
        return age > Self.patience ? nil : (lag + age) / .seconds(1)
    }

    /// How long ago it was known last, or measuring began.
    func age(_ now: Duration) -> Duration? { at.map { max(.zero, now - $0) } }

    func isLate(_ now: Duration) -> Bool { at.map { now - $0 > Self.patience } ?? false }
}
