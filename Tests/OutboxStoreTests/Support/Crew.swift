import Outbox
import OutboxStore
import Postgres
import TestSupport

/// Workers that claim and settle at once until nothing is left.
struct Crew: Sendable {
    /// What a worker does with a delivery that it claimed.
    enum Deed {
        case settle(Settlement.Outcome)
        /// Dies: the lease has to run out.
        case abandon
        /// Settles it after its lease has ended.
        case settleLater(Settlement.Outcome)
    }

    struct Stuck: Error, CustomStringConvertible {
        let description: String
    }

    let outbox: TestOutbox
    var workers = 3
    var budget: Int32 = 500
    var slack = Duration.seconds(15)
    var limit = Duration.seconds(60)
    /// What is true at every moment: a query for the number of breaches.
    var invariant = "SELECT 0"

    /// Works until there is no delivery left, and returns all that was claimed.
    @discardableResult
    func run(
        _ deed: @escaping @Sendable (ClaimedDelivery, inout SeededGenerator) -> Deed = { _, _ in .settle(.delivered) }
    ) async throws -> [ClaimedDelivery] {
        let end = ContinuousClock.now + limit
        return try await withThrowingTaskGroup(of: [ClaimedDelivery].self) { group in
            for number in 1...workers {
                group.addTask {
                    let worker = try await outbox.worker(Int32(truncatingIfNeeded: number))
                    let claimed = try await work(worker, until: end, deed)
                    await worker.connection.close()
                    return claimed
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func work(
        _ worker: TestWorker, until end: ContinuousClock.Instant,
        _ deed: @Sendable (ClaimedDelivery, inout SeededGenerator) -> Deed
    ) async throws -> [ClaimedDelivery] {
        var generator = SeededGenerator(seed: UInt64(worker.id.magnitude))
        var claimed: [ClaimedDelivery] = []
        var late: [Settlement] = []
        while try await isUnfinished(worker) {
            guard ContinuousClock.now < end else { throw Stuck(description: "did not finish in \(limit)") }
            let batch = try await worker.claim(room: budget, budget: budget, slack: slack)
            // By now another worker has claimed them, or this one has.
            try await again { () async throws(PostgresError) in try await worker.settle(late) }
            late = []
            var settlements: [Settlement] = []
            for delivery in batch {
                switch deed(delivery, &generator) {
                case .settle(let outcome): settlements.append(Settlement(madeUp: delivery, outcome))
                case .settleLater(let outcome): late.append(Settlement(madeUp: delivery, outcome))
                case .abandon: break
                }
            }
            try await again { () async throws(PostgresError) in try await worker.settle(settlements) }
            try await again { () async throws(PostgresError) in try await lapse(late, of: worker) }
            claimed += batch
        }
        return claimed
    }

    /// As a worker does: what failed for a reason that passes, such as a late settle that met a claim, is done again. A deadlock is
    /// no such reason.
    private func again<Result>(_ body: () async throws(PostgresError) -> Result) async throws(PostgresError) {
        while true {
            do throws(PostgresError) {
                _ = try await body()
                return
            } catch {
                guard error.kind == .retry, error.sqlState != SQLState(rawValue: "40P01") else { throw error }
            }
        }
    }

    /// Ends leases at once, of those rows that no other transaction has.
    private func lapse(_ settlements: [Settlement], of worker: TestWorker) async throws(PostgresError) {
        guard !settlements.isEmpty else { return }
        _ = try await worker.connection.query(
            """
            WITH own AS MATERIALIZED (
                SELECT d.ctid AS spot FROM postrider.deliveries d WHERE d.lease_by = $1::int AND d.id = ANY ($2::bigint[])
                FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE postrider.deliveries d SET lease_until = now() FROM own WHERE d.ctid = own.spot
            """, ["\(worker.id)", "{\(settlements.map { "\($0.delivery.id)" }.joined(separator: ","))}"],
            deadline: TestOutbox.deadline)
    }

    /// - Throws: if an ordering key has rows and none of them is going to wake the others.
    private func isUnfinished(_ worker: TestWorker) async throws -> Bool {
        let row = try await worker.connection.query(
            """
            SELECT EXISTS (SELECT FROM postrider.deliveries), (\(invariant)),
                (SELECT count(*) FROM (
                    SELECT 1 FROM postrider.deliveries WHERE ordering_key IS NOT NULL
                    GROUP BY endpoint_id, ordering_key HAVING min(due_at) = 'infinity') asleep)
            """, deadline: TestOutbox.deadline
        ).rows.first
        guard let row, row.count == 3, row[1] == "0", row[2] == "0" else {
            throw Stuck(description: "breaches, keys that no row will wake: \(row?.dropFirst() ?? [])")
        }
        return row[0] == "t"
    }
}
