import Postgres
import TestSupport
import Testing

@Suite("A second event with the same idempotency key", .timeLimit(.minutes(3)))
struct IdempotencyTests {
    private let insert =
        "INSERT INTO postrider.outbox (event_type, payload, tenant, idempotency_key) VALUES ('x', $1, $2, 'key')"
    private let publish = """
        SELECT event_id, webhook_id, reused FROM postrider.publish('x', $1::json, idempotency_key => 'key')
        """

    @Test("is skipped without an error, within a transaction and afterwards")
    func skips() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                for _ in 0..<2 {
                    _ = try await transaction.query(insert, ["{}", ""], deadline: .seconds(5))
                }
            }
            #expect(try await outbox.query(insert, "{}", "").commandTag == "INSERT 0 0")
            #expect(try await outbox.statuses() == ["1 shop pending 0"])
        }
    }

    @Test("is skipped with a warning if it says something else")
    func warns() async throws {
        try await TestOutbox.withOutbox { outbox in
            let recorder = NoticeRecorder()
            let connection = try await outbox.connect(logger: recorder.logger)
            for payload in ["1", "1", "2"] {
                let before = recorder.notices.count
                _ = try await connection.query(insert, [payload, ""], deadline: .seconds(5))
                let heard = recorder.notices.dropFirst(before).map { "\($0)" }.filter { $0.contains("idempotency_key") }
                #expect(heard.count == (payload == "2" ? 1 : 0))
                #expect(heard.allSatisfy { $0.contains("WARNING") && $0.contains("other content") })
            }
            await connection.close()
            #expect(try await outbox.column("SELECT payload FROM postrider.outbox") == ["1"])
        }
    }

    @Test("hears what became of the first one")
    func state() async throws {
        try await TestOutbox.withOutbox { outbox in
            #expect(try await outbox.column("SELECT postrider.event_state(1)") == ["gone"])
            try await outbox.query("SELECT postrider.publish('x', '1', idempotency_key => 'early')")
            #expect(try await outbox.column("SELECT postrider.event_state(1)") == ["no_subscriber"])
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            try await outbox.query(publish, "1")
            let recorder = NoticeRecorder()
            let connection = try await outbox.connect(logger: recorder.logger)
            func heard() async throws -> [String] {
                let before = recorder.notices.count
                let again = try await connection.query(publish, ["1"], deadline: .seconds(5)).rows
                #expect(again.first?.last == "t")
                return recorder.notices.dropFirst(before).map { "\($0)" }
            }
            #expect(try await outbox.column("SELECT postrider.event_state(2)") == ["pending"])
            #expect(try await heard() == [])
            _ = try await outbox.ownWorker().claim([1])
            #expect(try await outbox.column("SELECT postrider.event_state(2)") == ["in_flight, pending"])
            try await outbox.query("SELECT postrider.cancel_event(2)")
            let words = try await heard()
            #expect(words.count == 1 && words.allSatisfy { $0.contains("belongs to event 2, which is cancelled") })
            await connection.close()
        }
    }

    @Test("is a tenant's own affair")
    func tenantsAreApart() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(insert, "{}", "")
            try await outbox.query(insert, "{}", "other")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 2)
        }
    }

    @Test("gets the first one's ids from publish()")
    func reuses() async throws {
        try await TestOutbox.withOutbox { outbox in
            let first = try await outbox.query(publish, "{}").rows
            let second = try await outbox.query(publish, "{}").rows
            #expect(first.first?.last == "f")
            #expect(second.first?.last == "t")
            #expect(first.first?.dropLast() == second.first?.dropLast())
            #expect(try await outbox.number("SELECT count(*) FROM postrider.outbox") == 1)
        }
    }

    @Test("waits for the first one's transaction, and reuses it if that commits")
    func waitsForCommit() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let second = try await outbox.connection.withTransaction(deadline: .seconds(5)) {
                try await race(outbox, $0)
            }
            #expect(try await second.value == "t")
            #expect(try await outbox.statuses() == ["1 shop pending 0"])
        }
    }

    @Test("waits for the first one's transaction, and takes its place if that rolls back")
    func waitsForRollback() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let second = try await outbox.connection.withRollback { try await race(outbox, $0) }
            #expect(try await second.value == "f")
            #expect(try await outbox.statuses() == ["2 shop pending 0"])
        }
    }

    /// Publishes in this transaction, and then in another one, which waits; whether that one reuses the event.
    private func race(_ outbox: TestOutbox, _ transaction: PostgresTransaction) async throws -> Task<String?, any Error>
    {
        _ = try await transaction.query(publish, ["{}"], deadline: .seconds(5))
        let second = Task {
            let connection = try await outbox.connect()
            let rows = try await connection.query(publish, ["{}"], deadline: .seconds(10)).rows
            await connection.close()
            return rows.first?.last ?? nil
        }
        try await outbox.waitForBlocked(1)
        return second
    }

    @Test("can be stored again once the key is past its retention")
    func keysExpire() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(insert, "{}", "")
            try await outbox.query("SELECT postrider.keep_retention()")
            #expect(try await outbox.query(insert, "{}", "").commandTag == "INSERT 0 0")
            try await outbox.script(
                "UPDATE postrider.idempotency_keys SET event_at = now() - interval '91 days'")
            try await outbox.renewDuty("retention")
            try await outbox.query("SELECT postrider.keep_retention()")
            #expect(try await outbox.query(insert, "{}", "").commandTag == "INSERT 0 1")
        }
    }
}
