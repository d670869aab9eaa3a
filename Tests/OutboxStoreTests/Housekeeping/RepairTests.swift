import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The repair", .timeLimit(.minutes(3)))
struct RepairTests {
    private let repair = "SELECT postrider.repair_fan_out('-infinity')"

    @Test(
        "owes what the trigger missed, once",
        arguments: [
            ("SET session_replication_role = replica", "SET session_replication_role = origin"),
            ("ALTER TABLE postrider.outbox DISABLE TRIGGER USER", "ALTER TABLE postrider.outbox ENABLE TRIGGER USER"),
        ])
    func owes(before: String, after: String) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b", types: ["order.*"])
            try await outbox.registerEndpoint("other", types: ["never"])
            try await outbox.publish()
            try await outbox.query(before)
            try await outbox.publish(key: "k")
            try await outbox.publish("x", "[1,2]")
            try await outbox.publish(endpoint: "other")
            try await outbox.query(after)
            let missing = "SELECT event_id || ' ' || endpoint FROM postrider.unaccounted ORDER BY event_id, endpoint"
            #expect(try await outbox.column(missing) == ["2 a", "2 b", "3 a", "4 other"])
            #expect(try await outbox.number(repair) == 4)
            #expect(try await outbox.number(repair) == 0)
            #expect(try await outbox.discrepancies() == [])
            let made =
                "SELECT event_id || ' ' || bytes || ' ' || coalesce(ordering_key, '-') FROM postrider.deliveries ORDER BY id"
            #expect(try await outbox.column(made).suffix(4) == ["2 2 k", "2 2 k", "3 5 -", "4 2 -"])
        }
    }

    @Test("by eight at once owes each delivery once")
    func concurrently() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.publish(count: 2_000)
            try await outbox.query("SET session_replication_role = origin")
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let connection = try await outbox.connect()
                        let count = try await connection.query(repair, deadline: TestOutbox.deadline).first
                        await connection.close()
                        return count.flatMap { Int($0) } ?? 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(counts == 2_000)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("demands nothing of a subscription that came after the event, or that no worker has seen yet")
    func laterSubscriptions() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.publish("x")
            try await outbox.query("SELECT postrider.register_endpoint('new', 'https://a.example/')")
            try await outbox.publish("x")
            try await outbox.script("DELETE FROM postrider.deliveries")
            #expect(try await outbox.discrepancies() == [])
            #expect(try await outbox.number("SELECT postrider.keep_subscriptions()") == 1)
            #expect(try await outbox.number("SELECT postrider.keep_subscriptions()") == 0)
            #expect(try await outbox.discrepancies() == [])
            try await outbox.publish("x")
            try await outbox.script("DELETE FROM postrider.deliveries")
            #expect(try await outbox.discrepancies() == ["unaccounted: 3 new"])
        }
    }

    @Test("is a duty: everything once a day, what is recent once a minute, by one worker at a time")
    func duty() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let keep = "SELECT postrider.keep_repaired()"
            try await outbox.query("SET session_replication_role = replica")
            for age in ["2 hours", "1 min"] {
                try await outbox.query(
                    "INSERT INTO postrider.outbox (event_type, payload, created_at) VALUES ('x', '1', now() - $1::interval)",
                    age)
            }
            try await outbox.query("SET session_replication_role = origin")
            try await outbox.script("UPDATE postrider.subscriptions SET effective_at = now() - interval '3 hours'")
            try await outbox.script(
                """
                UPDATE postrider.duties SET last_at = now() WHERE duty = 'repair_all';
                UPDATE postrider.duties SET last_at = now() - interval '5 min' WHERE duty = 'repair';
                """)
            #expect(try await outbox.number(keep) == 1)
            #expect(try await outbox.number(keep) == 0)
            try await outbox.renewDuty("repair_all")
            let second = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let first = try await transaction.query(keep, deadline: .seconds(5)).first
                #expect(first == "1")
                #expect(try await second.query(keep, deadline: .seconds(5)).first == "0")
            }
            await second.close()
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is quick although the tables count as empty, and so are the views")
    func isQuick() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish(count: 2_000)
            try await outbox.ownWorker().work(.delivered)
            try await outbox.script(
                """
                DELETE FROM postrider.deliveries; DELETE FROM postrider.attempts; DELETE FROM postrider.outbox;
                ALTER TABLE postrider.deliveries SET (autovacuum_enabled = off);
                """)
            for table in ["deliveries", "attempts", "outbox"] { try await outbox.query("VACUUM postrider.\(table)") }
            for _ in 0..<7 { try await outbox.query(repair) }
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.publish(count: 5_000)
            try await outbox.query("SET session_replication_role = origin")
            try await outbox.publish(count: 20_000)
            for (statement, rows) in [
                ("SELECT * FROM postrider.unaccounted", 10_000), (repair, 1),
                ("SELECT * FROM postrider.event_deliveries", 50_000), ("SELECT * FROM postrider.endpoint_health", 2),
            ] as [(String, Int64)] {
                let plan = try await Plan.of(statement, on: outbox.connection)
                #expect(plan.rows == rows && plan.microseconds < 5_000_000, "\(statement) \(plan)")
            }
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
