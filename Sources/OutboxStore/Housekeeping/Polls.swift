package import Postgres

/// What workers do about callbacks that have not come.
package enum Polls {
    /// Ends what is due and not polled for, or sends its event again; at most so many of either kind. Returns how many it had.
    package static func endDue(limit: Int32) -> PostgresQuery<Int32> {
        PostgresQuery("SELECT postrider.end_due($1)", limit)
    }

    /// Polls that are due, for the caller alone until the lease is over.
    package static func take(limit: Int32, lease: Duration) -> PostgresQuery<DuePoll> {
        PostgresQuery("SELECT p.id, p.turn, p.url, p.headers FROM postrider.take_polls($1, $2) p", limit, lease)
    }

    /// Records how a poll ended. Returns the state of the expectation; NULL when the poll means nothing any more.
    package static func record(_ end: PollEnd) -> PostgresQuery<String?> {
        PostgresQuery(
            "SELECT postrider.record_poll($1, $2, $3, $4, $5, $6, $7, $8)", end.poll.expectation, end.poll.turn,
            end.status, end.error, end.body.map { PostgresBytes($0) }, end.address, end.wasAsked, end.pause)
    }
}

/// A poll that is due. Its headers may hold credentials, so nothing prints them.
package struct DuePoll: Sendable, PostgresRecord, CustomStringConvertible, CustomReflectable {
    package struct Header: Sendable {
        package let name: String
        package let value: String
    }

    package let expectation: Int64
    /// The fencing token.
    package let turn: Int32
    package let url: String
    package let headers: [Header]

    package init(expectation: Int64, turn: Int32, url: String, headers: [(String, String)] = []) {
        self.expectation = expectation
        self.turn = turn
        self.url = url
        self.headers = headers.map { Header(name: $0.0, value: $0.1) }
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        let texts: [String] = try row.column(3)
        self.init(
            expectation: try row.column(0), turn: try row.column(1), url: try row.column(2),
            headers: stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) })
    }

    package var description: String { "poll \(turn) of expectation \(expectation)" }

    /// The number alone, so that `dump` shows no header.
    package var customMirror: Mirror { Mirror(self, children: ["expectation": expectation]) }
}

/// How a poll ended.
package struct PollEnd: Sendable {
    package var poll: DuePoll
    /// Of the answer; nil when none came.
    package var status: Int32?
    /// Why there is no answer to go by; safe to show.
    package var error: String?
    /// All of a successful answer's body.
    package var body: [UInt8]?
    /// Where the answer came from.
    package var address: String?
    /// Whether it was asked; otherwise it is due again after `pause`.
    package var wasAsked = true
    package var pause = Duration.zero

    package init(poll: DuePoll) { self.poll = poll }
}
