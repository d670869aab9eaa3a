import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("a transaction that stays open")
    struct LongReaderTests {
        @Test("with 80,000 dead rows behind it makes a claim read at most half as much again")
        func deadRows() async throws {
            try await TestOutbox.withOwnServer { outbox in
                let lane = try await outbox.registerEndpoint()
                try await outbox.publish(count: 2_000)
                try await outbox.ownWorker().work(.delivered)
                let fresh = try await claim(outbox, unhinted: false)
                try await outbox.ownWorker().work(.delivered)
                let reader = try await outbox.connect()
                try await reader.withTransaction(deadline: .seconds(5)) { transaction in
                    try await transaction.execute(
                        script: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM postrider.lanes",
                        deadline: .seconds(5))
                    // Older than the second that the hint leaves for transactions still to commit.
                    try await outbox.query(
                        """
                        INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                        SELECT clock_timestamp() - interval '2 s', n, now(), 1, 100 FROM generate_series(1, 80000) AS n
                        """)
                    try await outbox.script("DELETE FROM postrider.deliveries")
                    try await outbox.query("VACUUM postrider.deliveries")
                    try await outbox.connection.execute(AdvanceHints(lanes: [lane]), deadline: .seconds(5))
                    try await outbox.publish(count: 2_000)
                    try await outbox.connection.execute(AdvanceHints(lanes: [lane]), deadline: .seconds(5))
                    let hinted = try await claim(outbox, unhinted: false)
                    let discover = try await discovery(outbox, unhinted: false)
                    let blind = try await discovery(outbox, unhinted: true)
                    print(
                        "pages of a claim: fresh \(fresh), hinted \(hinted); of discovery: \(discover), unhinted \(blind)"
                    )
                    #expect(hinted <= fresh + fresh / 2)
                    #expect(discover < 100)
                    // So the rows were there.
                    #expect(blind > 300)
                }
                await reader.close()
            }
        }

        private func claim(_ outbox: TestOutbox, unhinted: Bool) async throws -> Int64 {
            let plan = try await Plan.of(
                "SELECT * FROM postrider.claim(1, ARRAY[1], ARRAY[500], 500, 1000000000, '15 s', \(unhinted))",
                on: outbox.connection)
            #expect(plan.rows == 500)
            return plan.buffers
        }

        private func discovery(_ outbox: TestOutbox, unhinted: Bool) async throws -> Int64 {
            _ = try await outbox.ownWorker().discover()
            return try await Plan.of("SELECT * FROM postrider.discover(\(unhinted))", on: outbox.connection).buffers
        }
    }
}
