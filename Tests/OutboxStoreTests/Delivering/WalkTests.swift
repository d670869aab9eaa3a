import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A walk", .timeLimit(.minutes(3)))
struct WalkTests {
    @Test("names the open lanes with live rows, when each is due and when it may be claimed")
    func lanes() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["due", "later", "empty", "paused", "leased", "asleep"] {
                try await outbox.registerEndpoint(name, types: [name])
            }
            try await outbox.publish("leased")
            let leased = try #require(try await outbox.ownWorker(7).claim().first)
            for type in ["due", "paused", "asleep"] { try await outbox.publish(type) }
            try await outbox.publish("later", deliverAfter: "1 hour")
            try await outbox.script("UPDATE postrider.deliveries SET due_at = 'infinity' WHERE endpoint_id = 6")
            try await outbox.query("SELECT postrider.pause_endpoint('paused')")
            let dues = try await outbox.column(
                "SELECT (extract(epoch FROM due_at) * 1000000)::bigint FROM postrider.deliveries WHERE due_at < 'infinity' ORDER BY endpoint_id"
            ).compactMap { $0.flatMap { Int64($0) } }.map(PostgresTimestamp.init(unixMicroseconds:))
            #expect(
                try await outbox.ownWorker().walk() == [
                    WalkedLane(endpoint: 1, from: dues[0], nextAt: dues[0]),
                    WalkedLane(endpoint: 2, from: dues[1], nextAt: dues[1]),
                    WalkedLane(endpoint: 5, from: dues[3], nextAt: leased.leaseUntil),
                ])
            // The worker that holds it knows its own leases.
            let own = try await outbox.column(
                "SELECT endpoint_id FROM postrider.walk(7, 0, 100) WHERE from_at IS NOT NULL")
            #expect(own == ["1", "2"])
        }
    }

    @Test("goes on where the call before it ended, and passes every lane once")
    func strides() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(
                "INSERT INTO postrider.lanes (endpoint_id) SELECT n FROM generate_series(1, 2500) AS n")
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                SELECT now(), n, now(), n, 100 FROM generate_series(1, 2500, 7) AS n
                """)
            #expect(try await outbox.ownWorker().walk().map(\.endpoint) == Array(stride(from: 1, through: 2500, by: 7)))
        }
    }
}
