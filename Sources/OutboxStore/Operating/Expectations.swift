package import Postgres

/// What operators ask about callbacks that are waited for, and what they do about them.
package enum Expectations {
    /// The words of `state`.
    package static let states = ["waiting", "polling", "met", "met_by_poll", "missed", "withdrawn"]

    /// What an operator looks for; nil means any.
    package struct Search: Sendable, Equatable {
        package var source: String?
        package var state: String?
        package var correlation: String?
        /// Those with a lower number.
        package var before: Int64?

        package init() {}
    }

    /// Expectations of a search, the newest first.
    package static func list(_ search: Search, limit: Int32) -> PostgresQuery<ExpectationRow> {
        PostgresQuery(
            """
            SELECT \(ExpectationRow.columns)
            WHERE ($1 IS NULL OR s.name = $1) AND ($2 IS NULL OR x.state = $2) AND ($3 IS NULL OR x.correlation = $3)
                AND ($4 IS NULL OR x.id < $4) \(Self.places(search.state))
            ORDER BY x.id DESC LIMIT $5
            """, search.source, search.state, search.correlation, search.before, limit)
    }

    /// Missed ones are few, mostly, and have an index of their own.
    private static func places(_ state: String?) -> String { state == "missed" ? "AND x.state = 'missed'" : "" }

    /// One; no row where there is none.
    package static func find(_ id: Int64) -> PostgresQuery<ExpectationRow> {
        PostgresQuery("SELECT \(ExpectationRow.columns) WHERE x.id = $1", id)
    }

    /// Ends one that is open or was missed, for good. It fails with `no_data_found` where there is none, and with
    /// `check_violation` where it has ended.
    ///
    /// - Parameter why: goes on record.
    package static func withdraw(_ id: Int64, why: String?) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.withdraw_expectation($1, $2)", id, why)
    }
}

/// An expectation, without the headers that it polls with.
package struct ExpectationRow: PostgresRecord {
    package let id: Int64
    package let correlation: String
    package let source: String?
    package let tenant: String
    package let state: String
    package let otherwise: String
    package let within: Duration
    package let dueAt: PostgresTimestamp?
    package let polls: Int32
    package let lastPollAt: PostgresTimestamp?
    package let lastPollStatus: Int32?
    package let lastError: String?
    package let pollURL: String?
    package let pollEvery: Duration
    package let pollUntil: PostgresTimestamp?
    package let doneWhen: String?
    package let event: Int64?
    package let redeliveredAt: PostgresTimestamp?
    package let inboxID: Int64?
    package let createdAt: PostgresTimestamp
    package let endedAt: PostgresTimestamp?
    package let age: Duration

    /// The columns that ``init(_:)`` reads, and where they stand.
    static let columns = """
        x.id, x.correlation, s.name, x.tenant, x.state, x.otherwise, x.within, x.due_at, x.polls, x.last_poll_at, x.last_poll_status,
        x.last_error, x.poll_url, x.poll_every, x.poll_until, x.done_when::text, x.event_id, x.redelivered_at, x.inbox_id, x.created_at,
        x.ended_at, (extract(epoch FROM clock_timestamp() - x.created_at) * 1000000)::bigint
        FROM postrider.expected x LEFT JOIN postrider.sources s ON s.id = x.source_id
        """

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        correlation = try row.column(1)
        source = try row.column(2)
        tenant = try row.column(3)
        state = try row.column(4)
        otherwise = try row.column(5)
        within = try row.column(6)
        dueAt = try row.column(7)
        polls = try row.column(8)
        lastPollAt = try row.column(9)
        lastPollStatus = try row.column(10)
        lastError = try row.column(11)
        pollURL = try row.column(12)
        pollEvery = try row.column(13)
        pollUntil = try row.column(14)
        doneWhen = try row.column(15)
        event = try row.column(16)
        redeliveredAt = try row.column(17)
        inboxID = try row.column(18)
        createdAt = try row.column(19)
        endedAt = try row.column(20)
        age = try row.microseconds(21)
    }
}

/// How many callbacks are waited for, asked for, and missed. Counting stops at ``limit``.
package struct ExpectationCensus: PostgresRecord, Equatable {
    package static let limit: Int64 = 10_000

    package var waiting: Int64 = 0
    package var polling: Int64 = 0
    package var missed: Int64 = 0
    /// For how long the one has been due that has been longest; nil when none is.
    package var oldestDueAge: Duration?

    package init() {}

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        waiting = try row.column(0)
        polling = try row.column(1)
        missed = try row.column(2)
        oldestDueAge = try row.microseconds(3)
    }

    package static let query = PostgresQuery<ExpectationCensus>(
        """
        SELECT count(*) FILTER (WHERE n.state = 'waiting'), count(*) FILTER (WHERE n.state = 'polling'),
               (SELECT count(*) FROM (SELECT FROM postrider.expected m WHERE m.state = 'missed' LIMIT \(limit)) c),
               (extract(epoch FROM clock_timestamp() - (
                   SELECT min(l.due_at) FROM unnest('{poll,redeliver,escalate}'::text[]) AS o (kind) CROSS JOIN LATERAL (
                       SELECT d.due_at FROM postrider.expected d
                       WHERE d.otherwise = o.kind AND d.due_at <= clock_timestamp() ORDER BY d.due_at LIMIT 1) l)) * 1000000)::bigint
        FROM (SELECT x.state FROM postrider.expected x WHERE x.due_at IS NOT NULL LIMIT \(limit)) n
        """)
}
