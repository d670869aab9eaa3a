import OutboxStore
import Postgres
import TestSupport

extension TestOutbox {
    /// Makes settles stop after they have deleted rows and before they go on; they do so when the connection is closed.
    func holdSettles() async throws -> PostgresConnection {
        try await script(
            """
            CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
                'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NULL; END';
            CREATE TRIGGER hold AFTER DELETE ON postrider.deliveries FOR EACH STATEMENT EXECUTE FUNCTION public.hold();
            """)
        let holder = try await connect()
        _ = try await holder.query("SELECT pg_advisory_lock(77)", deadline: Self.deadline)
        return holder
    }

    /// Settles as worker 1 on a connection of its own.
    func settleElsewhere(_ deliveries: [ClaimedDelivery], _ outcome: Settlement.Outcome) async throws -> [Int64] {
        let worker = try await worker(1)
        let stale = try await worker.settle(deliveries, outcome)
        await worker.connection.close()
        return stale
    }
}
