package import Outbox
package import Postgres

/// What workers do on the side. The database sees to it that a duty is done once, however many workers ask for it.
package enum Duties {
    /// Which are due, and which fail. One that failed rests for longer each time.
    package static let marks = PostgresQuery<DutyMark>(
        """
        SELECT d.duty, postrider.is_due(d.last_at, postrider.duty_every(d.duty, d.every), d.failures), d.failures
        FROM postrider.duties d
        """)

    /// Marks a duty as begun, unless it is not due or another worker does it.
    package static func take(_ duty: Duty) -> PostgresQuery<Bool> {
        PostgresQuery("SELECT postrider.take_duty($1)", duty.rawValue)
    }

    /// Does a duty, or a part of it, in one transaction.
    ///
    /// A script, so that its own time limit holds and not that of the login: `statement_timeout` is there to stop
    /// statements that are longer than they were meant to be, and a duty is as long as what it looks at.
    ///
    /// - Parameter limit: what the server allows it.
    package static func script(_ duty: Duty, limit: Duration) -> String {
        "SET LOCAL statement_timeout = \(limit.components.seconds * 1000); SELECT \(function(duty))"
    }

    /// Keeps what a duty failed with.
    package static func note(_ error: String, of duty: Duty) -> PostgresQuery<Void> {
        PostgresQuery("SELECT postrider.note_duty_error($1, $2)", duty.rawValue, error)
    }

    /// Marks committed subscriptions as in effect; returns how many. Each worker does this, and often.
    package static let keepSubscriptions = PostgresQuery<Int32>("SELECT postrider.keep_subscriptions()")

    /// Stops counting rows whose lease ran out, in lanes with an in-flight limit; returns how many. Each worker does this, and
    /// often.
    package static let keepLeases = PostgresQuery<Int32>("SELECT postrider.keep_leases()")

    /// How each duty is doing.
    package static let overview = PostgresQuery<DutyOverview>(
        """
        SELECT d.duty, (extract(epoch FROM d.every) * 1000000)::bigint,
               (extract(epoch FROM clock_timestamp() - d.last_success) * 1000000)::bigint,
               CASE WHEN alive.since IS NOT NULL THEN
                   (extract(epoch FROM clock_timestamp() - greatest(d.last_success, alive.since)) * 1000000)::bigint END,
               d.failures, d.last_error
        FROM postrider.duties d
        CROSS JOIN (SELECT min(w.started_at) AS since FROM postrider.workers w
                    WHERE w.seen_at > clock_timestamp() - interval '30 s') alive
        ORDER BY d.duty
        """)

    /// What does it. Returns how many rows or partitions it found something to do with, or a name.
    private static func function(_ duty: Duty) -> String {
        switch duty {
        case .keys: "postrider.keep_keys()"
        case .backlog: "postrider.keep_backlog()"
        case .repair: "postrider.keep_repaired()"
        case .workers: "postrider.keep_workers()"
        case .partitions: "postrider.keep_partitions()"
        case .retention: "postrider.keep_retention()"
        case .idempotency: "postrider.keep_idempotency()"
        case .strays: "postrider.keep_strays()"
        case .replays: "postrider.keep_replays()"
        case .inbox: "postrider.keep_inbox()"
        case .repairAll: "postrider.keep_all_repaired()"
        }
    }
}

/// Whether a duty's time has come, and how it went.
package struct DutyMark: Sendable, Equatable, PostgresRecord {
    package var name: String
    package var isDue: Bool
    /// How often in a row it was begun and did not end well, by any worker.
    package var failures: Int32

    package init(name: String, isDue: Bool, failures: Int32 = 0) {
        self.name = name
        self.isDue = isDue
        self.failures = failures
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(name: try row.column(0), isDue: try row.column(1), failures: try row.column(2))
    }
}

/// How a duty is doing.
package struct DutyOverview: Sendable, Equatable {
    /// As many failures in a row are no chance.
    package static let patience: Int32 = 3
    /// A duty that was not done for so many of its intervals is neglected, and not before ``leeway``.
    private static let intervals = 3
    private static let leeway = Duration.seconds(300)

    package var name: String
    package var every: Duration
    /// How long ago it was last done to the end.
    package var doneAgo: Duration
    /// For how long it has not been done although a worker is alive; nil while none is.
    package var waiting: Duration?
    /// How often in a row it was begun and did not end well.
    package var failures: Int32
    package var lastError: String?

    package init(
        name: String, every: Duration, doneAgo: Duration, waiting: Duration?, failures: Int32, lastError: String?
    ) {
        self.name = name
        self.every = every
        self.doneAgo = doneAgo
        self.waiting = waiting
        self.failures = failures
        self.lastError = lastError
    }

    /// It fails again and again.
    package var isFailing: Bool { failures >= Self.patience }
    /// It was not done for long although it could have been.
    package var isNeglected: Bool { waiting.map { $0 > max(every * Self.intervals, Self.leeway) } ?? false }
}

extension DutyOverview: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            name: try row.column(0), every: try row.microseconds(1), doneAgo: try row.microseconds(2),
            waiting: try row.microseconds(3), failures: try row.column(4), lastError: try row.column(5))
    }
}
