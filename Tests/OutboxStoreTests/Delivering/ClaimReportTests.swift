import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A claim reports that a lane", .timeLimit(.minutes(3)))
struct ClaimReportTests {
    @Test("has more, and when it is empty, when its next row is due; no live row is due before `from`")
    func moreAndEmpty() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 3)
            try await outbox.publish(deliverAfter: "1 hour")
            let worker = outbox.ownWorker()
            let first = try await worker.claimReporting([1], room: 2)
            #expect(first.deliveries.count == 2 && first.reports[1]?.state == .more)
            #expect(first.reports[1]?.from == first.deliveries.map(\.dueAt).min())
            let second = try await worker.claimReporting([1])
            #expect(second.deliveries.count == 1 && second.reports[1]?.state == .empty)
            #expect(second.reports[1]?.nextAt == (try await time(outbox, "max(due_at)")))
            // Behind the last, the first two are done: it moves on, but not past the one that is in flight.
            try await worker.settle(first.deliveries, .delivered)
            let third = try await worker.claimReporting([1])
            #expect(third.deliveries.isEmpty && third.reports[1]?.state == .empty)
            #expect(third.reports[1]?.from == second.deliveries.first?.dueAt)
            try await worker.settle(second.deliveries, .delivered)
            let last = try #require(try await worker.claimReporting([1]).reports[1])
            #expect(last.from > second.deliveries[0].dueAt && last.from < last.nextAt)
            #expect(last.nextAt == (try await time(outbox, "max(due_at)")))
        }
    }

    @Test("is empty until another worker's lease ends; its own leases it knows")
    func leases() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let mine = try #require(try await outbox.ownWorker(1).claim().first)
            let own = try #require(try await outbox.ownWorker(1).claimReporting([1]).reports[1])
            #expect(own.state == .empty && own.nextAt == .infinity)
            let other = try #require(try await outbox.ownWorker(2).claimReporting([1]).reports[1])
            #expect(other.state == .empty && other.nextAt == mine.leaseUntil && other.from == mine.dueAt)
        }
    }

    @Test("is limited until its next token, full at its limit, closed while paused, removed or unknown")
    func limits() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("limited", rateLimit: 0.5)
            try await outbox.registerEndpoint("full", maxInFlight: 2)
            try await outbox.registerEndpoint("paused")
            try await outbox.registerEndpoint("removed")
            try await outbox.publish(count: 5)
            try await outbox.query("SELECT postrider.pause_endpoint('paused')")
            try await outbox.query("SELECT postrider.remove_endpoint('removed')")
            let worker = outbox.ownWorker()
            let (claimed, first) = try await worker.claimReporting([1, 2, 3, 4, 77])
            #expect(claimed.map(\.endpoint).sorted() == [1, 2, 2])
            let (none, second) = try await worker.claimReporting([1, 2, 3, 4, 77])
            #expect(none.isEmpty)
            for reports in [first, second] {
                #expect(reports.keys.sorted() == [1, 2, 3, 4, 77])
                #expect(reports[1]?.state == .limited && reports[2]?.state == .full)
                for lane: Int32 in [3, 4, 77] {
                    #expect(reports[lane]?.state == .closed && reports[lane]?.nextAt == .infinity)
                }
                let now = try await time(outbox, "clock_timestamp()")
                let wait = now.duration(to: try #require(reports[1]).nextAt)
                #expect(wait > .seconds(1) && wait <= .seconds(2), "\(wait)")
                #expect(now.duration(to: try #require(reports[2]).nextAt) <= .seconds(1))
            }
        }
    }

    @Test("is full when it took as many as the limit allows and more are due")
    func exactlyFull() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 2)
            try await outbox.publish(count: 5)
            let (claimed, reports) = try await outbox.ownWorker().claimReporting([1], room: 2)
            #expect(claimed.count == 2 && reports[1]?.state == .full)
        }
    }

    @Test("is busy while another transaction holds it")
    func busy() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 2)
            let other = try await outbox.worker(2)
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query(
                    "SELECT 1 FROM postrider.lanes FOR NO KEY UPDATE", deadline: .seconds(5))
                let (claimed, reports) = try await other.claimReporting([1])
                #expect(claimed.isEmpty && reports[1]?.state == .busy)
            }
            #expect(try await other.claim([1]).count == 2)
            await other.connection.close()
        }
    }

    @Test("has nothing to take without locking or writing anything")
    func writesNothing() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("empty", types: ["none"])
            try await outbox.registerEndpoint("in-flight")
            try await outbox.registerEndpoint("full", maxInFlight: 1)
            try await outbox.registerEndpoint("limited", rateLimit: 0.001)
            try await outbox.registerEndpoint("paused")
            try await outbox.publish(count: 2)
            try await outbox.query("SELECT postrider.pause_endpoint('paused')")
            let worker = outbox.ownWorker()
            #expect(try await worker.claim([2, 3, 4]).count == 4)
            let reports = try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let plan = try await transaction.query(
                    """
                    EXPLAIN (ANALYZE, WAL, COSTS off, TIMING off, SUMMARY off)
                    SELECT * FROM postrider.claim(1, '{1,2,3,4,5}', array_fill('-infinity'::timestamptz, '{5}'),
                        '{9,9,9,9,9}', 100, 1000000, '15 s')
                    """, deadline: .seconds(5)
                ).rows.compactMap { $0.first ?? nil }
                #expect(plan.allSatisfy { !$0.contains("WAL") } && plan.first?.contains("rows=5") == true, "\(plan)")
                return try await transaction.query(
                    """
                    SELECT pg_current_xact_id_if_assigned() IS NULL, count(*) FILTER (WHERE l.mode = 'RowExclusiveLock')
                    FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'transactionid'
                    """, deadline: .seconds(5)
                ).rows
            }
            #expect(reports == [["t", "0"]])
        }
    }

    private func time(_ outbox: TestOutbox, _ value: String) async throws -> PostgresTimestamp {
        PostgresTimestamp(
            unixMicroseconds: try await outbox.number(
                "SELECT (extract(epoch FROM \(value)) * 1000000)::bigint FROM postrider.deliveries"
                    + (value.contains("(due_at)") ? "" : " LIMIT 1")))
    }
}
