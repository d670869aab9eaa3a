import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("a crowd of endpoints that have nothing to do")
    struct CrowdTests {
        /// Pages that looks read: of nothing new, of a row, of 100 rows in 100 lanes; and what housekeeping reads.
        private struct Pages: CustomStringConvertible {
            var looks: [Int64] = []
            var duties: [Int64] = []

            var description: String { "looks \(looks), duties \(duties)" }
        }

        @Test("of 1, of 1,000 and of 100,000: a look reads as many pages, housekeeping no more")
        func pages() async throws {
            try await TestOutbox.withOwnServer { outbox in
                var all: [Pages] = []
                try await outbox.registerEndpoint()
                try await outbox.query("SELECT postrider.pause_endpoint('shop'), postrider.resume_endpoint('shop')")
                var size = 1
                for crowd in [1, 1_000, 100_000] {
                    try await enlarge(outbox, from: size, to: crowd)
                    size = crowd
                    all.append(try await measure(outbox, crowd))
                }
                try await outbox.query("UPDATE postrider.lanes SET changed_in = pg_current_xact_id()")
                try await outbox.query("VACUUM postrider.lanes")
                let changed = try await measure(outbox, size)
                print("pages at 1, 1,000 and 100,000 endpoints: \(all); all of them changed: \(changed)")
                // The index of those that were changed at some time is one level higher.
                for (pages, alone) in zip(changed.looks, all[0].looks) { #expect(pages <= alone + 1, "\(changed)") }
                for crowd in all.dropFirst() {
                    for (pages, alone) in zip(crowd.looks, all[0].looks) {
                        #expect(pages * 10 <= alone * 11 && pages * 11 >= alone * 10, "\(all)")
                    }
                    for (pages, alone) in zip(crowd.duties, all[0].duties) { #expect(pages <= alone + 30, "\(all)") }
                }
            }
        }

        private func enlarge(_ outbox: TestOutbox, from size: Int, to crowd: Int) async throws {
            let numbers = "FROM generate_series(\(size + 1), \(crowd)) AS n"
            for statement in [
                "INSERT INTO postrider.endpoints (name, url_id) SELECT 'idle ' || n, n \(numbers)",
                "INSERT INTO postrider.endpoint_urls (endpoint_id, url) SELECT n, 'https://x.example' \(numbers)",
                "INSERT INTO postrider.lanes (endpoint_id, max_in_flight) SELECT n, 10 \(numbers)",
                "INSERT INTO postrider.endpoint_marks (endpoint_id) SELECT n \(numbers)",
            ] { try await outbox.query(statement) }
            try await outbox.query(
                """
                INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id, effective_at)
                SELECT '', 'x' || n, n, now() \(numbers)
                """)
        }

        private func measure(_ outbox: TestOutbox, _ crowd: Int) async throws -> Pages {
            var pages = Pages()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            for (rows, lanes) in [(0, 1), (1, 1), (100, 1), (100, 100)] {
                // The index is a level or a page higher when it was filled before: each starts with an empty table.
                try await outbox.script("TRUNCATE postrider.deliveries")
                try await watch.look()
                _ = try await watch.pages()
                // Spread over all that there are.
                try await outbox.query(
                    """
                    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                    SELECT clock_timestamp(), n, now(), 1 + (n % \(lanes)) * \(max(crowd / 100, 1)), 100
                    FROM generate_series(1, \(rows)) AS n
                    """)
                // Also with no row there is a transaction.
                try await outbox.query("SELECT pg_current_xact_id()")
                pages.looks.append(try await watch.pages())
                try await watch.look()
            }
            try await outbox.script("TRUNCATE postrider.deliveries")
            for duty in ["keep_keys", "keep_leases", "keep_subscriptions"] {
                // The first reads catalogs.
                for round in 0..<2 {
                    try await outbox.renewDuty("keys")
                    let plan = try await Plan.of("SELECT postrider.\(duty)()", on: outbox.connection)
                    if round == 1 { pages.duties.append(plan.buffers) }
                }
            }
            return pages
        }
    }
}
