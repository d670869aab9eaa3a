import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("a claim")
    struct BacklogTests {
        @Test("reads at most 9 pages a row, behind 10,000 deliveries as behind 1,000,000; a walk reads few")
        func pages() async throws {
            try await TestOutbox.withOwnServer { outbox in
                try await outbox.registerEndpoint()
                try await backlog(outbox, 10_000)
                let small = try await measure(outbox)
                try await backlog(outbox, 990_000)
                let large = try await measure(outbox)
                print("pages a row behind 10,000 and 1,000,000 deliveries: \(small) \(large)")
                #expect(small <= 9)
                #expect(large <= 9)
                // It steps over what is in flight.
                try await outbox.script("DELETE FROM postrider.deliveries WHERE lease_by <> 0")
                try await outbox.query("VACUUM postrider.deliveries")
                // The first reads catalogs.
                _ = try await outbox.ownWorker().walk()
                let walk = try await Plan.of("SELECT * FROM postrider.walk(1, 0, 1000)", on: outbox.connection)
                // A lane, and where the walk ends.
                #expect(walk.rows == 2 && walk.buffers < 30, "\(walk)")
            }
        }

        @Test("of 250 lanes with a row each reads at most 30 pages a row")
        func width() async throws {
            try await TestOutbox.withOwnServer { outbox in
                for number in 1...250 { try await outbox.registerEndpoint("endpoint-\(number)") }
                func claim(_ lanes: Range<Int>, room: Int) async throws -> Double {
                    let list = lanes.map(String.init).joined(separator: ",")
                    let count = lanes.count
                    let plan = try await Plan.of(
                        """
                        SELECT * FROM postrider.claim(1, '{\(list)}', array_fill('-infinity'::timestamptz, '{\(count)}'),
                            array_fill(\(room), '{\(count)}'), 250, 1000000000, '15 s')
                        """, on: outbox.connection)
                    #expect(plan.rows == 250 + count)
                    return Double(plan.buffers) / 250
                }
                // The first reads catalogs.
                for _ in 0..<2 { try await outbox.publish() }
                try await outbox.ownWorker().work(.delivered)
                try await outbox.publish()
                let wide = try await claim(1..<251, room: 1)
                try await backlog(outbox, 1_000)
                let narrow = try await claim(1..<2, room: 250)
                print("pages a row of 250 lanes with one each, and of one with 250: \(wide), \(narrow)")
                #expect(wide <= 30)
                #expect(narrow <= 9)
            }
        }

        private func backlog(_ outbox: TestOutbox, _ count: Int) async throws {
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                SELECT clock_timestamp(), n, now(), 1, 100 FROM generate_series(1, \(count)) AS n
                """)
        }

        private func measure(_ outbox: TestOutbox) async throws -> Double {
            // The first reads catalogs.
            try await outbox.ownWorker().work(.delivered)
            _ = try await outbox.ownWorker().walk()
            let plan = try await Plan.of(
                "SELECT * FROM postrider.claim(1, '{1}', '{-infinity}', '{500}', 500, 1000000000, '15 s')",
                on: outbox.connection)
            // One of them is the report of the lane.
            #expect(plan.rows == 501)
            return Double(plan.buffers) / 500
        }
    }
}
