import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A delivery behind its ordering key's first", .timeLimit(.minutes(3)))
struct BlockedStatusTests {
    /// The statuses of all events, and of how many each counts, by view and by count.
    private func statuses(_ outbox: TestOutbox) async throws -> [String] {
        let counted = try await outbox.query(
            """
            SELECT format('%s %s %s %s %s', pending, in_flight, retrying, held, blocked) FROM postrider.endpoint_health
            UNION ALL
            SELECT format('%s %s %s %s %s', count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'in_flight'),
                count(*) FILTER (WHERE status = 'retrying'), count(*) FILTER (WHERE status = 'held'),
                count(*) FILTER (WHERE status = 'blocked'))
            FROM postrider.event_deliveries
            """
        ).rows.compactMap { $0.first ?? nil }
        #expect(counted.first == counted.last)
        let seen = try await outbox.query("SELECT status FROM postrider.event_deliveries ORDER BY event_id")
        return seen.values("status").compactMap(\.self)
    }

    @Test("is pending while that has its turn, and blocked once that failed")
    func steps() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let worker = outbox.ownWorker()
            for _ in 1...3 { try await outbox.publish(key: "k") }
            try await outbox.publish(key: "other")
            #expect(try await statuses(outbox) == ["pending", "pending", "pending", "pending"])
            var claimed = try await worker.claim()
            #expect(try await statuses(outbox) == ["in_flight", "pending", "pending", "in_flight"])
            try await worker.settle([claimed[1]], .delivered)
            try await worker.settle([claimed[0]], .retry(after: .seconds(600)))
            #expect(try await statuses(outbox) == ["retrying", "blocked", "blocked", "delivered"])
            #expect(
                try await outbox.column("SELECT waits_for FROM postrider.event_deliveries ORDER BY event_id")
                    == [nil, "1", "1", nil])
            #expect(
                try await outbox.column(
                    "SELECT format('%s %s', blocked_keys, oldest_blocked_age > '0') FROM postrider.endpoint_health")
                    == ["1 t"])
            // It stays so while the first is tried again.
            try await outbox.elapseDelays()
            #expect(try await statuses(outbox) == ["retrying", "blocked", "blocked", "delivered"])
            claimed = try await worker.claim()
            #expect(try await statuses(outbox) == ["in_flight", "blocked", "blocked", "delivered"])
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            #expect(try await statuses(outbox) == ["in_flight", "held", "held", "delivered"])
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            try await worker.settle(claimed, .delivered)
            #expect(try await statuses(outbox) == ["delivered", "pending", "pending", "delivered"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is blocked while that waits for its time")
    func delayed() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(key: "k", deliverAfter: "1 h")
            try await outbox.publish(key: "k")
            _ = try await outbox.ownWorker().claim()
            #expect(try await statuses(outbox) == ["pending", "blocked"])
        }
    }
}
