package import Postgres

/// The list of workers.
package enum Workers {
    /// Enters a worker in the list and returns its id, which is part of every fencing token.
    ///
    /// - Parameter name: host and process, for people.
    package static func register(name: String, version: String) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            WITH made AS (INSERT INTO postrider.workers (name, version) VALUES ($1, $2) RETURNING id),
            named AS (
                INSERT INTO postrider.worker_names (id, name) SELECT m.id, $1 FROM made m ON CONFLICT DO NOTHING)
            SELECT m.id FROM made m
            """, name, version)
    }

    /// Tells that a worker is alive, and what it is doing; returns no row when it is not in the list.
    package static func beat(_ id: Int32, _ pulse: WorkerPulse) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            UPDATE postrider.workers w
            SET seen_at = clock_timestamp(), in_flight = $2, draining = $3, held_back = $4, held_back_why = $5,
                failing = $6, failures = $7, failing_since = clock_timestamp() - $8, last_error = $9,
                made_a_minute = $10, ended_a_minute = $11, settings = $12, clock_ahead = $13
            WHERE w.id = $1
            RETURNING w.id
            """, id, pulse.inFlight, pulse.isDraining, pulse.heldBack, pulse.heldBackWhy, pulse.trouble?.step,
            pulse.trouble?.failures ?? 0, pulse.trouble?.lasts, pulse.trouble?.error, pulse.madeAMinute,
            pulse.endedAMinute, pulse.settings, pulse.clockAhead)
    }

    /// Takes a worker that ended in good order off the list.
    package static func forget(_ id: Int32) -> PostgresQuery<Void> {
        PostgresQuery("DELETE FROM postrider.workers w WHERE w.id = $1", id)
    }

    private static let limit = 1000

    /// The workers that are, or were within a day, the one heard of last first.
    package static let list = PostgresQuery<WorkerOverview>(
        """
        SELECT w.id, w.name, w.version, w.started_at,
               (extract(epoch FROM clock_timestamp() - w.seen_at) * 1000000)::bigint, w.in_flight, w.draining,
               w.seen_at > clock_timestamp() - interval '30 s', w.held_back, w.held_back_why,
               w.failing, w.failures, (extract(epoch FROM w.seen_at - w.failing_since) * 1000000)::bigint, w.last_error,
               w.made_a_minute, w.ended_a_minute, w.settings, (extract(epoch FROM w.clock_ahead) * 1000000)::bigint,
               w.login, (SELECT CASE WHEN r.rolsuper THEN 'is a superuser' ELSE 'owns the schema' END
                         FROM pg_roles r JOIN pg_namespace n ON n.nspname = 'postrider'
                         WHERE r.rolname = w.login AND pg_has_role(r.oid, n.nspowner, 'MEMBER'))
        FROM postrider.workers w ORDER BY w.seen_at DESC LIMIT \(limit)
        """)
}

/// What a worker tells of itself at each sign of life.
package struct WorkerPulse: Sendable, Equatable {
    package var inFlight: Int32
    package var isDraining: Bool
    /// Endpoints that it leaves to other workers, and why the first of them.
    package var heldBack: Int32
    package var heldBackWhy: String?
    package var trouble: WorkerTrouble?
    /// What all workers should be started with alike, in words.
    package var settings: String?
    /// How far its clock is ahead of the database's, at least; negative when it is behind.
    package var clockAhead: Duration?
    /// Deliveries of the whole database that were made and that ended, a minute; nil as long as it does not know.
    package var madeAMinute: Float?
    package var endedAMinute: Float?

    package init(
        inFlight: Int32, isDraining: Bool, heldBack: Int32 = 0, heldBackWhy: String? = nil,
        trouble: WorkerTrouble? = nil, madeAMinute: Float? = nil, endedAMinute: Float? = nil,
        settings: String? = nil, clockAhead: Duration? = nil
    ) {
        self.settings = settings
        self.clockAhead = clockAhead
        self.inFlight = inFlight
        self.isDraining = isDraining
        self.heldBack = heldBack
        self.heldBackWhy = heldBackWhy
        self.trouble = trouble
        self.madeAMinute = madeAMinute
        self.endedAMinute = endedAMinute
    }
}

/// What fails again and again in a worker.
package struct WorkerTrouble: Sendable, Equatable {
    /// The label `step` of `postrider_failures_total`.
    package var step: String
    /// Failures in a row.
    package var failures: Int32
    /// For how long.
    package var lasts: Duration
    /// The last error, without a secret.
    package var error: String

    package init(step: String, failures: Int32, lasts: Duration, error: String) {
        self.step = step
        self.failures = failures
        self.lasts = lasts
        self.error = error
    }
}

/// How a worker is doing.
package struct WorkerOverview: Sendable {
    package var id: Int32
    /// Host and process.
    package var name: String
    package var version: String
    package var startedAt: PostgresTimestamp
    /// How long ago it was heard of.
    package var silence: Duration
    /// Deliveries in flight when it was heard of.
    package var inFlight: Int32
    /// Whether it is ending.
    package var isDraining: Bool
    /// Whether it was heard of within 30 seconds.
    package var isAlive: Bool
    /// Endpoints that it leaves to other workers, and why the first of them.
    package var heldBack: Int32 = 0
    package var heldBackWhy: String?
    package var trouble: WorkerTrouble?
    /// Deliveries of the whole database that were made and that ended, a minute; nil as long as it does not know.
    package var madeAMinute: Float?
    package var endedAMinute: Float?
    /// What all workers should be started with alike, in words.
    package var settings: String?
    /// How far its clock is ahead of the database's, at least; negative when it is behind.
    package var clockAhead: Duration?
    /// The role that it works as.
    package var login = ""
    /// Why that role may do more than work: `is a superuser`, `owns the schema`; nil when it may not.
    package var mightiness: String?
}

extension WorkerOverview: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.column(0), name: try row.column(1), version: try row.column(2), startedAt: try row.column(3),
            silence: try row.microseconds(4), inFlight: try row.column(5), isDraining: try row.column(6),
            isAlive: try row.column(7), heldBack: try row.column(8), heldBackWhy: try row.column(9))
        if let step = try row.column(10, as: String?.self) {
            trouble = WorkerTrouble(
                step: step, failures: try row.column(11), lasts: try row.microseconds(12) ?? .zero,
                error: try row.column(13, as: String?.self) ?? "")
        }
        madeAMinute = try row.column(14)
        endedAMinute = try row.column(15)
        settings = try row.column(16)
        clockAhead = try row.microseconds(17)
        login = try row.column(18)
        mightiness = try row.column(19)
    }
}
