/// How late deliveries are, as far as that is known. A value; the clock is given.
struct LagMeasure: Sendable {
    /// A figure is shown for so long after it was known. Looks come every second at least, and one may take some seconds.
    static let validity = Duration.seconds(10)

    private var lag: Duration?
    /// Nil before measuring begins.
    private var at: Duration?

    mutating func begin(_ now: Duration) { at = at ?? now }

    mutating func measured(_ lag: Duration, at time: Duration) {
        self.lag = lag
        at = time
    }

    /// Nil rather than a figure that has not been true for a while.
    func seconds(_ now: Duration) -> Double? { isLate(now) ? nil : lag.map { $0 / .seconds(1) } }

    func isLate(_ now: Duration) -> Bool { at.map { now - $0 > Self.validity } ?? false }
}
