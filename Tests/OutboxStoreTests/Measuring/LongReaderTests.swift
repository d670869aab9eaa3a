import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("a transaction that stays open")
    struct LongReaderTests {
        @Test("with 80,000 dead rows behind it makes a claim read at most half as much again, and a look no more")
        func deadRows() async throws {
            try await TestOutbox.withOwnServer { outbox in
                let lane = try await outbox.registerEndpoint()
                let worker = outbox.ownWorker()
                try await outbox.publish(count: 2_000)
                try await worker.work(.delivered)
                let fresh = try await claim(outbox, from: "-infinity", rows: 500)
                while try await !worker.work(.delivered).isEmpty {}
                try await outbox.script("DELETE FROM postrider.deliveries")
                let reader = try await outbox.connect()
                try await reader.withTransaction(deadline: .seconds(5)) { transaction in
                    try await transaction.execute(
                        script: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM postrider.lanes",
                        deadline: .seconds(5))
                    try await outbox.query(
                        """
                        INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                        SELECT clock_timestamp(), n, now(), 1, 100 FROM generate_series(1, 80000) AS n
                        """)
                    try await outbox.script("DELETE FROM postrider.deliveries")
                    try await outbox.query("VACUUM postrider.deliveries")
                    let seen = try await worker.look(since: nil).seen
                    let from = try #require(try await worker.claimReporting([lane]).reports[lane]).from
                    try await outbox.publish(count: 2_000)
                    let statement = "SELECT * FROM postrider.look('\(seen)', 20000)"
                    // The first reads catalogs.
                    _ = try await Plan.of(statement, on: outbox.connection)
                    let look = try await Plan.of(statement, on: outbox.connection)
                    let blind = try await claim(outbox, from: "-infinity", rows: 0)
                    let late = try await claim(outbox, from: "epoch", by: from, rows: 500)
                    print(
                        "pages of a claim: fresh \(fresh), from where live rows begin \(late), from the start \(blind); \(look)"
                    )
                    #expect(late <= fresh + fresh / 2)
                    #expect(look.rows == 2 && look.buffers < 100)
                    // So the rows were there.
                    #expect(blind > 300)
                }
                await reader.close()
            }
        }

        /// Pages that a claim reads. Without rows to take it only looks for the first.
        private func claim(
            _ outbox: TestOutbox, from start: String, by moment: PostgresTimestamp? = nil, rows: Int64
        ) async throws -> Int64 {
            let microseconds = moment.flatMap(\.unixMicroseconds) ?? 0
            let plan = try await Plan.of(
                """
                SELECT * FROM postrider.claim(1, '{1}', ARRAY['\(start)'::timestamptz + \(microseconds) * interval '1 us'],
                    '{\(rows)}', 500, 1000000000, '15 s')
                """, on: outbox.connection)
            // One of them is the report of the lane.
            #expect(plan.rows == rows + 1)
            return plan.buffers
        }
    }
}
