import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// All locks are taken in one order, which the head of `0003_delivering.sql` says: no deadlocks.
@Suite("Locks", .timeLimit(.minutes(3)))
struct LockOrderTests {
    @Test("of a late settle are stepped over by a claim and by housekeeping")
    func lateSettle() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 10)
            for _ in 0..<2 { try await outbox.publish(key: "k") }
            let late = try await outbox.ownWorker(1).claim()
            try await outbox.lapseLeases()
            let hold = try await outbox.holdSettles()
            let settling = Task { try await outbox.settleElsewhere(late, .delivered) }
            try await outbox.waitForBlocked(1)

            try await outbox.query("SET lock_timeout = '2 s'")
            #expect(try await outbox.ownWorker(2).claim().isEmpty)
            #expect(try await outbox.number("SELECT postrider.keep_leases()") == 0)
            await hold.close()
            #expect(try await settling.value == [])
            #expect(try await outbox.ownWorker(2).claim().map(\.event) == [2])
            #expect(try await outbox.statuses() == ["1 shop delivered 1", "2 shop in_flight 1"])
            #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 1)
        }
    }

    /// The rows are locked in another order by the settle of the worker that claimed them since.
    @Test("of other workers are not waited for by a late settle, which is tried again")
    func lateSettleMeetsTheNextOwner() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(timeout: "100 ms")
            try await outbox.publish(count: 4)
            let first = try await outbox.worker(1)
            let second = try await outbox.worker(2)
            let late = try await first.claim(room: 3, slack: .milliseconds(-90))
            try await outbox.wait(
                for: "SELECT max(lease_until) < clock_timestamp() FROM postrider.deliveries WHERE lease_by = 1")
            let owned = try await outbox.connection.withTransaction(deadline: .seconds(10)) { transaction in
                let lock = "SELECT 1 FROM postrider.deliveries WHERE id = $1 FOR UPDATE"
                _ = try await transaction.query(lock, ["\(late[0].id)"], deadline: .seconds(5))
                let refusal = await #expect(throws: PostgresError.self) { try await first.settle(late, .delivered) }
                #expect(refusal?.kind == .retry && refusal?.sqlState == SQLState(rawValue: "55P03"))
                return try await second.claim()
            }
            #expect(owned.map(\.event) == [2, 3, 4])
            // It has changed nothing then, and the rows that went to another worker are stale.
            #expect(try await first.settle(late, .delivered) == [late[1].id, late[2].id])
            #expect(try await second.settle(owned.reversed(), .delivered) == [])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
            #expect(try await outbox.discrepancies() == [])
            for worker in [first, second] { await worker.connection.close() }
        }
    }

    @Test("that operators need are not held while they wait for a settle")
    func operators() async throws {
        for call in ["update_endpoint('shop', max_in_flight => 5)", "cancel_event(1)", "remove_endpoint('shop')"] {
            try await TestOutbox.withOutbox { outbox in
                try await outbox.registerEndpoint()
                for _ in 0..<2 { try await outbox.publish(key: "k") }
                let claimed = try await outbox.ownWorker().claim()
                let hold = try await outbox.holdSettles()
                let settling = Task { try await outbox.settleElsewhere(claimed, .delivered) }
                try await outbox.waitForBlocked(1)
                let calling = Task { await outbox.refusal(of: "SELECT postrider.\(call)") }
                try await outbox.wait(
                    for: """
                        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                            AND query LIKE 'SELECT postrider.%' AND wait_event IN ('PgSleep', 'transactionid', 'tuple'))
                        """)
                await hold.close()
                #expect(try await settling.value == [], "\(call)")
                #expect(await calling.value == nil, "\(call)")
                #expect(try await outbox.statuses().first == "1 shop delivered 1", "\(call)")
                #expect(try await outbox.discrepancies() == [], "\(call)")
            }
        }
    }

    @Test("on a lane that another worker claims from are not waited for")
    func busyLane() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lanes = [try await outbox.registerEndpoint("a"), try await outbox.registerEndpoint("b")]
            try await outbox.publish()
            let other = try await outbox.worker(2)
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query(
                    "SELECT * FROM postrider.claim(1, '{\(lanes[0])}', '{-infinity}', '{5}', 5, 100, '1 s')",
                    deadline: .seconds(5))
                _ = try await other.connection.query("SET lock_timeout = '2 s'", deadline: .seconds(5))
                #expect(try await other.claim(lanes).map(\.endpoint) == [lanes[1]])
            }
            await other.connection.close()
        }
    }

    private static let acts = [
        "pause_endpoint('a')", "resume_endpoint('a')", "pause_endpoint('b')", "resume_endpoint('b')",
        "update_endpoint('a', max_in_flight => 5)", "update_endpoint('a', max_in_flight => 0)",
        "update_endpoint('b', rate_limit => 100000)", "update_endpoint('a', event_types => '{order.paid}')",
        "rotate_secret('a', grace => '0')", "rotate_secret('b', grace => '0')",
        "disable_endpoint((SELECT min(e.id) FROM postrider.endpoints e), 'gone')",
        "cancel_event((SELECT min(o.id) FROM postrider.outbox o WHERE o.created_at > now() - interval '1 s'))",
        "remove_endpoint('c')", "register_endpoint('c', 'https://c.example/')",
        "replay_dead_letters('a', max_rows => 5)", "replay_dead_letters(max_rows => 5)",
        "discard_dead_letter((SELECT max(x.id) FROM postrider.dead x), 'test')",
        "keep_leases()", "keep_keys()", "keep_subscriptions()", "keep_repaired()",
    ]

    @Test("of all acts, claims, settles and duties at once never end in a deadlock", .timeLimit(.minutes(2)))
    func everythingAtOnce() async throws {
        try await TestOutbox.withOutbox { outbox in
            for (name, limit) in [("a", nil), ("b", 20), ("c", nil)] {
                try await outbox.registerEndpoint(name, maxInFlight: limit)
            }
            try await outbox.query("UPDATE postrider.duties SET every = '1 ms'")
            let end = ContinuousClock.now + .seconds(8)
            let refused = try await withThrowingTaskGroup(of: [String: Int].self) { group in
                for number in 0..<4 { group.addTask { try await operate(outbox, seed: number, until: end) } }
                for number in 1...3 { group.addTask { try await work(outbox, Int32(number), until: end) } }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            print("locks: \(refused)")
            #expect(refused["40P01"] == nil)
            // What was refused besides: names and letters that are not there just now, and acts that tried for five seconds.
            #expect(Set(refused.keys).isSubset(of: ["-", "P0002", "23505", "55P03", "23514"]), "\(refused)")
            #expect(refused["-", default: 0] > 500)
        }
    }

    /// Acts at random, one statement a transaction; how often each SQLSTATE came, `-` for none.
    private func operate(
        _ outbox: TestOutbox, seed: Int, until end: ContinuousClock.Instant
    ) async throws -> [String: Int] {
        let connection = try await outbox.connect()
        var generator = SeededGenerator(seed: UInt64(seed))
        var states: [String: Int] = [:]
        while ContinuousClock.now < end {
            let act = Self.acts.randomElement(using: &generator) ?? ""
            states[await connection.refusal(of: "SELECT postrider.\(act)")?.sqlState?.rawValue ?? "-", default: 0] += 1
            try await outbox.publish(count: 3, keys: 2)
        }
        await connection.close()
        return states
    }

    /// Claims and settles as a worker does, with a 410 now and then.
    private func work(
        _ outbox: TestOutbox, _ number: Int32, until end: ContinuousClock.Instant
    ) async throws -> [String: Int] {
        let worker = try await outbox.worker(number)
        var generator = SeededGenerator(seed: UInt64(number))
        var states: [String: Int] = [:]
        while ContinuousClock.now < end {
            do throws(PostgresError) {
                let claimed = try await worker.claim(room: 20, budget: 40, slack: .milliseconds(200))
                let outcomes: [Settlement.Outcome] = [
                    .delivered, .retry(after: .zero), .dead(.attemptsExhausted), .released, .gone,
                ]
                let batch = claimed.map { delivery in
                    let isRare = Int.random(in: 0..<50, using: &generator) > 0
                    return Settlement(
                        madeUp: delivery, outcomes[Int.random(in: 0..<(isRare ? 4 : 5), using: &generator)])
                }
                do throws(PostgresError) { try await worker.settle(batch) } catch {
                    guard error.sqlState == .lockNotAvailable else { throw error }
                    _ = try await worker.settleLeaving(batch)
                }
                states["-", default: 0] += 1
            } catch {
                states[error.sqlState?.rawValue ?? "\(error)", default: 0] += 1
            }
        }
        await worker.connection.close()
        return states
    }
}
