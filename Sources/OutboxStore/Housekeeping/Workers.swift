package import Postgres

/// The list of workers.
package enum Workers {
    /// Enters a worker in the list and returns its id, which is part of every fencing token.
    ///
    /// - Parameter name: host and process, for people.
    package static func register(name: String, version: String) -> PostgresQuery<Int32> {
        PostgresQuery("INSERT INTO postrider.workers (name, version) VALUES ($1, $2) RETURNING id", name, version)
    }

    /// Tells that a worker is alive, and what it is doing; returns no row when it is not in the list.
    package static func beat(_ id: Int32, inFlight: Int32, draining: Bool) -> PostgresQuery<Int32> {
        PostgresQuery(
            """
            UPDATE postrider.workers w SET seen_at = clock_timestamp(), in_flight = $2, draining = $3 WHERE w.id = $1
            RETURNING w.id
            """, id, inFlight, draining)
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
               w.seen_at > clock_timestamp() - interval '30 s'
        FROM postrider.workers w ORDER BY w.seen_at DESC LIMIT \(limit)
        """)
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
}

extension WorkerOverview: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.column(0), name: try row.column(1), version: try row.column(2), startedAt: try row.column(3),
            silence: try row.microseconds(4), inFlight: try row.column(5), isDraining: try row.column(6),
            isAlive: try row.column(7))
    }
}
