/// How far apart this machine's clock and the database's are. A value.
package struct ClockSkew: Equatable, Sendable {
    /// With more than this, a worker signs with timestamps that receivers refuse (they allow five minutes, and their clocks
    /// are not exact either).
    static let limit = Duration.seconds(60)

    /// By how much this machine's clock is ahead of the database's, at least; negative when it is behind.
    let ahead: Duration

    /// The database's clock was read somewhere between our two readings.
    ///
    /// - Parameters: in microseconds since 1970.
    package init(before: Int64, database: Int64, after: Int64) {
        if database < before {
            ahead = .microseconds(before.subtractingReportingOverflow(database).partialValue)
        } else if database > after {
            ahead = .zero - .microseconds(database.subtractingReportingOverflow(after).partialValue)
        } else {
            ahead = .zero
        }
    }

    package var isTooMuch: Bool { ahead > Self.limit || ahead < .zero - Self.limit }
}
