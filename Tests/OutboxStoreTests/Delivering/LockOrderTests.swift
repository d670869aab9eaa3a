import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// A transaction that holds a lane never waits for a row of it, and lanes are locked in the order of their ids: no deadlocks.
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

    @Test("on lanes are taken in the order of ids by a settle")
    func laneOrder() async throws {
        try await TestOutbox.withOutbox { outbox in
            let keyed = try await outbox.registerEndpoint("keyed")
            let limited = try await outbox.registerEndpoint("limited", maxInFlight: 10)
            #expect(keyed < limited)
            try await outbox.publish(key: "k")
            let claimed = try await outbox.ownWorker().claim()
            let settling = try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                let lock = "SELECT 1 FROM postrider.lanes WHERE endpoint_id = $1 FOR NO KEY UPDATE"
                _ = try await transaction.query(lock, ["\(keyed)"], deadline: .seconds(5))
                let settling = Task { try await outbox.settleElsewhere(claimed, .delivered) }
                try await outbox.waitForBlocked(1)
                _ = try await transaction.query("SET LOCAL lock_timeout = '2 s'", deadline: .seconds(5))
                _ = try await transaction.query(lock, ["\(limited)"], deadline: .seconds(5))
                return settling
            }
            #expect(try await settling.value == [])
            #expect(try await outbox.statuses() == ["1 keyed delivered 1", "1 limited delivered 1"])
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
}
