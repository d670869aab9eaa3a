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

    @Test("goes over everything in slices, remembers how far it is, and takes smaller ones after a failure")
    func slices() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 1_000)
            try await outbox.ownWorker().work(.delivered)
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.publish(count: 1_500)
            try await outbox.query("SET session_replication_role = origin")
            try await outbox.publish(count: 1_000)
            try await outbox.script("UPDATE postrider.duties SET portion = 800 WHERE duty = 'repair_all'")
            for _ in 0..<2 {
                try await outbox.renewDuty("repair_all")
                #expect(try await outbox.query("SELECT postrider.take_duty('repair_all')").first == "t")
            }
            let portion = "SELECT portion FROM postrider.duties WHERE duty = 'repair_all'"
            #expect(try await outbox.number(portion) == 200)
            var made: [Int64] = []
            repeat {
                made.append(try await outbox.number("SELECT postrider.keep_all_repaired()"))
            } while try await outbox.query("SELECT last_at FROM postrider.duties WHERE duty = 'repair_all'").first
                == "-infinity"
            #expect(made.reduce(0, +) == 1_500 && made.count > 2, "\(made)")
            #expect(made.first == 0 && made.last == 0, "\(made)")
            #expect(try await outbox.discrepancies() == [])
            #expect(
                try await outbox.query("SELECT spot_at FROM postrider.duties WHERE duty = 'repair_all'").first == nil)
            // The events of one transaction have the same time: no slice may end between them for ever.
            #expect(try await outbox.number("SELECT count(DISTINCT created_at) FROM postrider.outbox") == 3)
        }
    }

    @Test("of what is recent goes on while the repair of everything is at work")
    func besideTheLongOne() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let second = try await outbox.connect()
            try await second.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT postrider.keep_all_repaired()", deadline: .seconds(5))
                try await outbox.query("SET lock_timeout = '1 s'")
                #expect(try await outbox.number("SELECT postrider.keep_repaired()") == 0)
            }
            await second.close()
        }
    }

    @Test("is two duties: everything once a day, what is recent once a minute, by one worker at a time")
    func duty() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let keep = "SELECT postrider.keep_repaired()"
            let keepAll = "SELECT postrider.keep_all_repaired()"
            try await outbox.query("SET session_replication_role = replica")
            for age in ["2 hours", "1 min"] {
                try await outbox.query(
                    "INSERT INTO postrider.outbox (event_type, payload, created_at) VALUES ('x', '1', now() - $1::interval)",
                    age)
            }
            try await outbox.query("SET session_replication_role = origin")
            try await outbox.script("UPDATE postrider.subscriptions SET effective_at = now() - interval '3 hours'")
            #expect(try await outbox.number(keep) == 1)
            #expect(try await outbox.number(keep) == 0)
            let second = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let first = try await transaction.query(keepAll, deadline: .seconds(5)).first
                #expect(first == "1")
                #expect(try await second.query(keepAll, deadline: .seconds(5)).first == "0")
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
