import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A replay of events", .timeLimit(.minutes(3)))
struct ReplayTests {
    /// Lets time pass for all jobs, and does what is to be done by the duty.
    @discardableResult
    private func turn(_ outbox: TestOutbox, as worker: PostgresConnection? = nil, seconds: Int = 1) async throws
        -> Int64
    {
        try await outbox.query("UPDATE postrider.replays SET tokens_at = tokens_at - $1::interval", "\(seconds) s")
        let made = try await (worker ?? outbox.connection).query(
            "SELECT postrider.keep_replays()", deadline: .seconds(10))
        return Int64((made.first ?? nil) ?? "") ?? -1
    }

    private func job(_ outbox: TestOutbox, _ id: Int64 = 1) async throws -> String? {
        try await outbox.column(
            """
            SELECT format('%s %s/%s/%s/%s', state, replayed, expired, cancelled, unfit) FROM postrider.replay_jobs WHERE id = $1
            """, "\(id)")[0]
    }

    private let begin = "SELECT postrider.replay_events"

    @Test("sends what has ended once more under the same id, and leaves what expired, was cancelled or is still owed")
    func replays() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b"] { try await outbox.registerEndpoint(name) }
            try await outbox.registerEndpoint("gone")
            let worker = outbox.ownWorker()
            try await outbox.publish(count: 2)
            try await outbox.publish(expiresAfter: "1 h")
            try await outbox.publish()
            try await outbox.query("SELECT postrider.cancel_event(4)")
            try await worker.work(.delivered)
            try await outbox.publish()
            try await worker.work(.dead(.attemptsExhausted))
            try await outbox.publish("late", deliverAfter: "1 h")
            try await outbox.query("SELECT postrider.remove_endpoint('gone')")
            try await outbox.query("UPDATE postrider.outbox SET expires_at = now() WHERE id = 3")
            let before = try await outbox.column("SELECT DISTINCT webhook_id FROM postrider.attempt_log ORDER BY 1")

            let preview = try await outbox.query("SELECT * FROM postrider.preview_replay(\"all\" => true)").rows[0]
            #expect(preview == ["6", "2", "2", "6", "t"])
            // A preview in a transaction that is rolled back leaves nothing.
            let operatorOfIt = try await outbox.connect(in: "postrider_operator")
            _ = try await operatorOfIt.withRollback {
                try await $0.query("\(begin)(\"all\" => true)", deadline: .seconds(5))
            }
            _ = try await operatorOfIt.query(
                "\(begin)(\"all\" => true, why => 'their disk broke')", deadline: .seconds(5))
            let workerOfIt = try await outbox.connect(in: "postrider_worker")
            #expect(try await turn(outbox, as: workerOfIt) == 6)
            #expect(try await turn(outbox, as: workerOfIt) == 0)
            #expect(try await job(outbox, 2) == "done 6/2/2/6")
            #expect(
                try await outbox.column(
                    "SELECT by_whom || ' ' || act || ' ' || count || ' ' || why FROM postrider.audit_log WHERE act = 'replay'"
                )
                    == ["postrider_operator_user replay 6 their disk broke"])
            #expect(try await outbox.discrepancies() == [])
            try await outbox.elapseDelays()
            let again = try await worker.claim().filter { $0.event != 6 }
            #expect(again.map(\.attempt).sorted() == [2, 2, 2, 2, 2, 2])
            try await worker.settle(again, .delivered)
            #expect(try await outbox.discrepancies() == [])
            #expect(
                try await outbox.statuses().filter { $0.contains(" a ") && !$0.hasPrefix("6") } == [
                    "1 a delivered 2", "2 a delivered 2", "3 a delivered 1", "4 a cancelled 0", "5 a delivered 2",
                ])
            #expect(
                try await outbox.column(
                    "SELECT DISTINCT webhook_id FROM postrider.attempt_log WHERE event_id < 6 ORDER BY 1") == before)
            // What expired or was cancelled goes when it is asked for.
            try await outbox.query("\(begin)('{3,4}', endpoint => 'a', ignore_expiry => true)")
            #expect(try await turn(outbox) == 2)
            try await outbox.elapseDelays()
            #expect(try await worker.claim().filter { $0.event != 6 }.count == 2)
            for connection in [operatorOfIt, workerOfIt] { await connection.close() }
        }
    }

    @Test("keeps to its rate, keeps the order of keys, takes nothing twice, and ends where it is cancelled")
    func paced() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            // Transactions that begin in one order and insert in the other: the numbers are the order.
            let early = try await outbox.connect()
            try await early.withTransaction(deadline: .seconds(10)) { transaction in
                _ = try await transaction.query("SELECT now()", deadline: .seconds(5))
                try await outbox.publish(count: 60, keys: 3)
                _ = try await transaction.query(
                    "INSERT INTO postrider.outbox (event_type, payload, ordering_key) VALUES ('order.paid', '{}', 'key 1')",
                    deadline: .seconds(5))
            }
            await early.close()
            let worker = outbox.ownWorker()
            for _ in 0..<25 { try await worker.work(.delivered) }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
            try await outbox.query("\(begin)(\"all\" => true, rate => 10)")
            var made: [Int64] = []
            for _ in 0..<4 { made.append(try await turn(outbox)) }
            #expect(made.allSatisfy { (10...16).contains($0) }, "\(made)")
            // After a pause at most two seconds' worth, spread over the time that it is for.
            #expect(try await turn(outbox, seconds: 3600) <= 21)
            let spread =
                "SELECT max(due_at) - min(due_at) > interval '1.5 s' FROM (SELECT due_at FROM postrider.deliveries ORDER BY id DESC LIMIT 19) d"
            #expect(try await outbox.column(spread) == ["t"])
            #expect(try await turn(outbox, seconds: 3600) >= 0)
            #expect(try await job(outbox) == "done 61/0/0/0")
            let order = """
                SELECT bool_and(d.event_id > d.before) FROM (
                    SELECT event_id, lag(event_id, 1, 0::bigint) OVER (PARTITION BY ordering_key ORDER BY id) AS before FROM postrider.deliveries) d
                """
            #expect(try await outbox.column(order) == ["t"])
            #expect(try await outbox.number("SELECT count(DISTINCT event_id) FROM postrider.deliveries") == 61)
            #expect(try await outbox.discrepancies() == [])

            // Nothing has ended now, so another job makes nothing; one with new ids does not look at what it made itself.
            try await outbox.query("\(begin)(endpoint => 'a')")
            #expect(try await turn(outbox) == 0)
            #expect(try await job(outbox, 2) == "done 0/0/0/0")
            for _ in 0..<25 { try await outbox.elapseDelays(); try await worker.work(.delivered) }
            try await outbox.query("\(begin)(endpoint => 'a', new_id => true, status => 'delivered', rate => 50)")
            #expect((50...52).contains(try await turn(outbox)))
            #expect(try await outbox.column("SELECT postrider.cancel_replay(3), postrider.cancel_replay(3)") == ["t"])
            #expect(try await turn(outbox) == 0)
            #expect(
                try await outbox.number("SELECT count(*) FROM postrider.outbox WHERE id > 61 AND endpoint = 'a'") < 61)
            #expect(await outbox.refusal(of: "SELECT postrider.cancel_replay(9)")?.message == "there is no replay 9")
        }
    }

    @Test("goes on while others hold what it wants: dead letters, its own row, another job")
    func held() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.publish(count: 4)
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            try await outbox.query("\(begin)(\"all\" => true, status => 'dead')")
            try await outbox.query("\(begin)('{1}')")
            let other = try await outbox.connect()
            // A replay of a dead letter that is looked at, and a cancelled job that is not committed yet.
            _ = try await other.withRollback { transaction in
                _ = try await transaction.query(
                    "SELECT postrider.replay_dead_letter((SELECT min(id) FROM postrider.dead)), postrider.cancel_replay(2)",
                    deadline: .seconds(5))
                #expect(try await outbox.number("SELECT postrider.keep_replays()") == 3)
                #expect(try await job(outbox) == "done 3/0/0/1")
                #expect(try await job(outbox, 2) == "running 0/0/0/0")
            }
            await other.close()
            #expect(try await turn(outbox) == 1)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("finds old events among many numbers that are gone, and events that nobody got")
    func sparse() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query("ALTER SEQUENCE postrider.outbox_id_seq RESTART 900000000")
            try await outbox.publish(count: 3)
            try await outbox.registerEndpoint("a", types: ["order.*"])
            try await outbox.query("\(begin)(event_type => 'order.*', status => 'no_subscriber', \"all\" => true)")
            try await outbox.query("\(begin)(\"all\" => true)")
            var made: Int64 = 0
            for _ in 0..<10 where made < 3 { made += try await turn(outbox) }
            #expect(try await job(outbox) == "done 3/0/0/0")
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("refuses what makes no sense, and ends as failed what fails again and again")
    func refused() async throws {
        try await TestOutbox.withOutbox { outbox in
            let refusals = [
                "": "ids or endpoint or all must be given",
                "'{1}', \"all\" => true": "ids or endpoint or all must be given",
                "'{1}'": "there is no event 1", "endpoint => 'x'": "there is no endpoint named 'x'",
                "\"all\" => true, rate => 0": "rate must be from 1 to 10000 deliveries a second",
                "\"all\" => true, status => 'pending'": "status must be one in which a delivery has ended",
                "\"all\" => true, event_type => 'a..'": "event_types must hold patterns",
                "'{}'": "ids must be an array",
            ]
            for (arguments, words) in refusals {
                let error = await outbox.refusal(of: "\(begin)(\(arguments))")
                #expect(error?.message.hasPrefix(words) == true, "\(arguments): \(error?.message ?? "-")")
            }
            try await outbox.registerEndpoint("a")
            try await outbox.publish()
            try await outbox.ownWorker().work(.delivered)
            try await outbox.query("\(begin)(\"all\" => true)")
            try await outbox.query(
                "ALTER TABLE postrider.deliveries ADD CONSTRAINT broken CHECK (attempt_base = 0) NOT VALID")
            for _ in 0..<20 { try await turn(outbox) }
            #expect(try await job(outbox) == "failed 0/0/0/0")
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
