import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A worker", .timeLimit(.minutes(3)))
struct WorkerRoleTests {
    @Test("may do all of its work")
    func hotPath() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lanes = [
                try await outbox.registerEndpoint("a", maxInFlight: 100),
                try await outbox.registerEndpoint("b", rateLimit: 1000),
            ]
            let connection = try await outbox.connect(in: "postrider_worker")
            let id = try #require(
                try await connection.run(Workers.register(name: "w", version: "1"), deadline: .seconds(5)).first)
            let worker = TestWorker(id: id, connection: connection)
            let seen = try await worker.look(since: nil).seen
            for _ in 0..<2 { try await outbox.publish(count: 6, keys: 3) }
            #expect(try await worker.look(since: seen).lanes.map(\.endpoint) == lanes)
            #expect(try await worker.walk().map(\.endpoint) == lanes)
            let claimed = try await worker.claim(lanes)
            #expect(claimed.count == 6)
            #expect(try await connection.run(FetchEvents(of: claimed), deadline: .seconds(5)).count == 3)
            let records = try await connection.run(LoadEndpoints(ids: lanes), deadline: .seconds(5))
            #expect(records.allSatisfy { $0.secrets.count == 1 } && records.count == 2)
            let outcomes: [Settlement.Outcome] = [
                .delivered, .retry(after: .seconds(9)), .dead(.attemptsExhausted), .expired, .released, .gone,
            ]
            #expect(
                try await worker.settle(zip(claimed, outcomes).map { Settlement(madeUp: $0, $1) }) == [])
            let trouble = WorkerTrouble(step: "claim", failures: 7, lasts: .seconds(40), error: "out of range")
            let pulse = WorkerPulse(
                inFlight: 1, isDraining: false, heldBack: 2, heldBackWhy: "endpoint a: no key", trouble: trouble)
            try await connection.execute(Workers.beat(id, pulse), deadline: .seconds(5))
            let overview = try await connection.run(Workers.list, deadline: .seconds(5)).first
            #expect(overview?.heldBack == 2 && overview?.heldBackWhy == "endpoint a: no key")
            #expect(overview?.trouble?.error == "out of range" && overview?.trouble?.failures == 7)
            // By two readings of the database's clock.
            let lasts = overview?.trouble?.lasts ?? .zero
            #expect(lasts > .seconds(39) && lasts < .seconds(41))
            try await housekeep(connection)
            try await connection.execute(Workers.forget(id), deadline: .seconds(5))
            await connection.close()
            let states = "SELECT state FROM postrider.endpoints ORDER BY id"
            #expect(try await outbox.column(states).contains("disabled"))
            #expect(try await outbox.discrepancies() == [])
        }
    }

    private func housekeep(_ connection: PostgresConnection) async throws {
        let deadline = Duration.seconds(10)
        _ = try await connection.run(Duties.keepSubscriptions, deadline: deadline)
        _ = try await connection.run(Duties.keepLeases, deadline: deadline)
        _ = try await connection.run(Status.database, deadline: deadline)
        let due = try await connection.run(Duties.marks, deadline: deadline).filter(\.isDue).map(\.name)
        for duty in due.compactMap(Duty.init) {
            #expect(try await connection.run(Duties.take(duty), deadline: deadline) == [true])
        }
        for duty in Duty.allCases {
            try await connection.execute(script: Duties.script(duty, limit: .seconds(5)), deadline: deadline)
            try await connection.execute(Duties.note("no", of: duty), deadline: deadline)
        }
        let duties = try await connection.run(Duties.overview, deadline: deadline)
        #expect(Set(duties.map(\.name)) == Set(Duty.allCases.map(\.rawValue)))
        #expect(duties.allSatisfy { $0.failures == 0 && $0.lastError == nil && $0.waiting != nil })
    }

    @Test("may make and drop partitions only through its duties")
    func partitions() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query(
                "SELECT postrider.make_partition(p, '2020-01-01') FROM unnest(ARRAY['outbox', 'attempts']) p")
            try await outbox.script(
                """
                DO $$ BEGIN EXECUTE format('DROP TABLE postrider.%I',
                    'outbox_p' || to_char((now() AT TIME ZONE 'UTC')::date + 7, 'YYYYMMDD')); END $$
                """)
            let worker = try await outbox.connect(in: "postrider_worker")
            func did(_ duty: Duty) async throws -> String? {
                try await worker.execute(script: Duties.script(duty, limit: .seconds(5)), deadline: .seconds(10)).first
            }
            #expect(try await did(.partitions) == "1")
            #expect(try await did(.retention) == "outbox_p20200101")
            #expect(try await did(.retention) == "attempts_p20200101")
            #expect(try await did(.retention) == nil)
            await worker.close()
        }
    }

    @Test("may not invent or change events, endpoints or history")
    func forbidden() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = try await outbox.connect(in: "postrider_worker")
            for statement in [
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')",
                "UPDATE postrider.outbox SET payload = '2'",
                "DELETE FROM postrider.outbox", "TRUNCATE postrider.outbox",
                "SELECT * FROM postrider.publish('x', '1')",
                "INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes) VALUES (now(), 1, now(), 1, 1)",
                "UPDATE postrider.deliveries SET event_id = 2", "UPDATE postrider.deliveries SET endpoint_id = 2",
                "TRUNCATE postrider.deliveries", "UPDATE postrider.attempts SET outcome = 0",
                "DELETE FROM postrider.attempts",
                "UPDATE postrider.dead SET reason = ''", "DELETE FROM postrider.dead", "DELETE FROM postrider.closed",
                "UPDATE postrider.endpoints SET state = 'active'",
                "UPDATE postrider.endpoint_urls SET url = 'https://evil.example/'",
                "INSERT INTO postrider.endpoint_secrets (endpoint_id, secret) VALUES (1, 'x')",
                "DELETE FROM postrider.endpoint_secrets", "UPDATE postrider.lanes SET max_in_flight = 1",
                "UPDATE postrider.lanes SET open_at = now()", "DELETE FROM postrider.subscriptions",
                "UPDATE postrider.settings SET retention = '1 day'", "UPDATE postrider.duties SET last_at = now()",
                "SELECT * FROM postrider.idempotency_keys", "SELECT postrider.pause_endpoint('shop')",
                "SELECT postrider.register_endpoint('y', 'https://y.example/')", "SELECT postrider.cancel_event(1)",
                "SELECT postrider.replay_dead_letters()", "SELECT postrider.rotate_secret('shop')",
                "SELECT postrider.make_partition('outbox', '2020-01-01')",
                "SELECT postrider.cancel_deliveries(1, now(), 1, '')",
                "SELECT postrider.replay_some(1, 1, NULL, NULL, NULL, NULL, false, 1)",
                "SELECT postrider.repair_fan_out('-infinity')",
                "SELECT postrider.unguard_default('outbox')",
                "SELECT postrider.detach_partition('outbox', 'outbox_p20200101')",
                "SELECT postrider.end_duty('keys', false)",
                "CREATE TABLE postrider.t (i int)",
            ] {
                #expect(await worker.refusal(of: statement)?.sqlState == .insufficientPrivilege, "\(statement)")
            }
            await worker.close()
            #expect(try await outbox.statuses() == ["1 shop pending 0"])
        }
    }
}
