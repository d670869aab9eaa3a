/// How fast a number grows, a minute, over the last minute. A value; the clock is given.
struct MinutePace: Sendable {
    /// How far it looks back.
    static let span = Duration.seconds(60)
    /// Before so much is known of it, it says nothing.
    static let least = Duration.seconds(5)
    /// Notes that come quicker than this are one, so that there are never more than ``span`` asks for.
    private static let grain = Duration.milliseconds(900)

    private var notes: [(at: ContinuousClock.Instant, total: Int64)] = []

    mutating func note(_ total: Int64, at now: ContinuousClock.Instant) {
        // A number that went down is another one: a database that was restored.
        if let last = notes.last, total < last.total { notes = [] }
        if let last = notes.last, now - last.at < Self.grain { return }
        notes.append((now, total))
        // One is kept from before the span, to measure from.
        while notes.count > 2, now - notes[1].at >= Self.span { notes.removeFirst() }
    }

    /// Nil as long as too little is known.
    var perMinute: Float? {
        guard let first = notes.first, let last = notes.last, last.at - first.at >= Self.least else { return nil }
        return Float(Double(last.total - first.total) / ((last.at - first.at) / Self.span))
    }
}
