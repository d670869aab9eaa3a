import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A look", .timeLimit(.minutes(4)))
struct LookTests {
    @Test("finds what was committed since the one before, once; the first finds nothing")
    func once() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lane = try await outbox.registerEndpoint()
            try await outbox.publish()
            var watch = Watch(outbox.ownWorker())
            #expect(try await watch.look() == [])
            #expect(try await watch.look() == [])
            try await outbox.publish()
            try await outbox.publish(deliverAfter: "1 hour")
            let found = try await watch.lanes()
            #expect(found.map(\.endpoint) == [lane] && found.map(\.count) == [2])
            #expect(try await watch.look() == [])
            try await outbox.publish(deliverAfter: "1 hour")
            let ahead = try #require(try await watch.lanes().first)
            let due = try await outbox.number(Self.microseconds("max(due_at)"))
            #expect(ahead.dueAt == PostgresTimestamp(unixMicroseconds: due))
        }
    }

    @Test("finds what was committed after 1,000 other transactions and many looks, which cost nothing for it")
    func lateCommit() async throws {
        // Its own server: transactions in other databases are in snapshots too.
        try await TestOutbox.withOwnServer { outbox in
            for name in ["late", "other"] { try await outbox.registerEndpoint(name, types: [name]) }
            let writer = try await outbox.connect()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            var pages: [Int64] = []
            try await writer.withTransaction(deadline: .seconds(60)) { transaction in
                for statement in ["SAVEPOINT a", "SELECT postrider.publish('late', '1')", "RELEASE a"] {
                    _ = try await transaction.query(statement, deadline: .seconds(5))
                }
                for round in 0..<50 {
                    for _ in 0..<20 { try await outbox.publish("other") }
                    #expect(try await watch.look() == [2], "\(round)")
                    // Another transaction, without deliveries.
                    try await outbox.query("SELECT pg_current_xact_id()")
                    // The first reads catalogs.
                    if [0, 1, 49].contains(round) { pages.append(try await watch.pages()) }
                }
            }
            // The index may have grown by a level.
            #expect(pages[2] <= pages[1] + 1 && pages[2] > 0, "\(pages)")
            #expect(try await watch.look() == [1])
            #expect(try await watch.look() == [])
            await writer.close()
        }
    }

    @Test("finds what was prepared when it is committed, and what was rolled back never")
    func prepared() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let writer = try await outbox.connect()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            for end in ["COMMIT", "ROLLBACK"] {
                let name = "\(outbox.database.name) \(end)"
                try await writer.execute(
                    script: "BEGIN; SELECT postrider.publish('x', '1'); PREPARE TRANSACTION '\(name)'",
                    deadline: .seconds(5))
                try await outbox.query("SELECT pg_current_xact_id()")
                #expect(try await watch.look() == [])
                _ = try await writer.query("\(end) PREPARED '\(name)'", deadline: .seconds(5))
                #expect(try await watch.look() == (end == "COMMIT" ? [1] : []))
            }
            try await outbox.script(
                """
                BEGIN; SAVEPOINT a; SELECT postrider.publish('x', '1'); ROLLBACK TO a; COMMIT;
                BEGIN; SELECT postrider.publish('x', '1'); ROLLBACK
                """)
            #expect(try await watch.look() == [])
            await writer.close()
        }
    }

    @Test(
        "of every worker finds what becomes claimable again: retried, released, promoted, revived, repaired, resumed, limited"
    )
    func announced() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 100)
            var watches: [Watch] = []
            for number in 1...3 { watches.append(Watch(try await outbox.worker(Int32(number)))) }
            let worker = outbox.ownWorker(9)
            func expect(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
                for index in watches.indices {
                    #expect(try await watches[index].look() == [1], "\(what)", sourceLocation: sourceLocation)
                    #expect(try await watches[index].look() == [], "\(what)", sourceLocation: sourceLocation)
                }
            }
            try await outbox.publish()
            for index in watches.indices { try await watches[index].look() }
            try await worker.work(.retry(after: .seconds(60)))
            try await expect("retry")
            try await outbox.elapseDelays()
            try await worker.work(.released)
            try await expect("release")
            try await worker.work(.dead(.attemptsExhausted))
            for index in watches.indices { #expect(try await watches[index].look() == []) }
            try await outbox.query("SELECT postrider.replay_dead_letters()")
            try await expect("revived")
            try await worker.work(.delivered)
            for _ in 0..<2 { try await outbox.publish(key: "k") }
            let first = try await worker.claim()
            #expect(first.count == 1)
            for index in watches.indices { try await watches[index].look() }
            try await worker.settle(first, .delivered)
            try await expect("promoted")
            for change in [
                "pause_endpoint('shop')", "resume_endpoint('shop')", "update_endpoint('shop', max_in_flight => 7)",
            ] {
                try await outbox.query("SELECT postrider.\(change)")
                try await expect(change)
            }
            try await outbox.script(
                "SET session_replication_role = replica; INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', '1')"
            )
            try await outbox.script("SET session_replication_role = origin")
            for index in watches.indices { #expect(try await watches[index].look() == []) }
            #expect(try await outbox.number("SELECT postrider.repair_fan_out('-infinity')") == 1)
            try await expect("repaired")
            for watch in watches { await watch.worker.connection.close() }
        }
    }

    @Test("says when the rows of a lane whose settings changed are due, and nothing of a paused one")
    func changed() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            try await outbox.publish()
            try await watch.look()
            let due = PostgresTimestamp(unixMicroseconds: try await outbox.number(Self.microseconds("due_at")))
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            let resumed = try await watch.lanes()
            #expect(resumed == [FoundLane(endpoint: 1, dueAt: due, count: 0, hasChanged: true)])
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            let paused = try await watch.lanes()
            #expect(paused == [FoundLane(endpoint: 1, dueAt: .infinity, count: 0, hasChanged: true)])
        }
    }

    @Test("finds a row that is due earlier than what was found before: the clock was set back")
    func clockSetBack() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            try await outbox.publish()
            let before = try #require(try await watch.lanes().first)
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                VALUES (now() - interval '1 hour', 2, now(), 1, 100)
                """)
            let after = try #require(try await watch.lanes().first)
            #expect(after.dueAt < before.dueAt)
        }
    }

    @Test("of a big transaction reads few of each lane's rows, and sees where there are many")
    func bigTransaction() async throws {
        try await TestOutbox.withOutbox { outbox in
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            // Before each lane with 2,000 rows comes one with few.
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                SELECT clock_timestamp(), n, now(), lane, 100 FROM generate_series(1, 100) AS lane,
                    generate_series(1, CASE WHEN lane % 2 = 0 THEN 2000 ELSE 5 END) AS n
                """)
            let earlier = watch
            let lanes = try await watch.lanes()
            #expect(lanes.map(\.endpoint) == Array(1...100))
            #expect(lanes.allSatisfy { $0.endpoint % 2 == 0 ? $0.count >= 64 : $0.count == 5 })
            let earliest = try await outbox.column(
                "SELECT (extract(epoch FROM min(due_at)) * 1000000)::bigint FROM postrider.deliveries GROUP BY endpoint_id ORDER BY endpoint_id"
            )
            #expect(lanes.map { $0.dueAt.unixMicroseconds.map(String.init) } == earliest)
            let pages = try await earlier.pages()
            #expect(pages < 1_000, "\(pages)")
        }
    }

    @Test("stops at its limit, and says so by the rows that it counts")
    func limit() async throws {
        try await TestOutbox.withOutbox { outbox in
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
                SELECT clock_timestamp(), n, now(), n, 100 FROM generate_series(1, \(LookAtLanes.longest) + 1000) AS n
                """)
            let lanes = try await watch.lanes()
            #expect(lanes.map(\.count).reduce(0, +) == Int(LookAtLanes.longest))
            #expect(try await watch.look() == [])
        }
    }

    @Test("leaves out what another server's transactions wrote, after a restore; a walk finds it")
    func restored() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lane = try await outbox.registerEndpoint()
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            try await outbox.query(
                """
                INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, changed_in)
                VALUES (now(), 1, now(), 1, 100, '4000000000000')
                """)
            for _ in 0..<3 { #expect(try await watch.look() == []) }
            #expect(try await outbox.ownWorker().walk().map(\.endpoint) == [lane])
            #expect(try await outbox.ownWorker().claim().map(\.event) == [1])
        }
    }

    /// Each transaction has a row in a lane of its own, so that a lane that is found twice, or never, is seen.
    @Test("finds each of 2,000 transactions once, whose writers commit and roll back in any order")
    func hammered() async throws {
        try await TestOutbox.withOutbox { outbox in
            var watch = Watch(try await outbox.worker(1))
            try await watch.look()
            let from = watch
            async let told = follow(from, until: 99_999)
            let committed = try await withThrowingTaskGroup(of: [Int32].self) { group in
                for number in 1...10 { group.addTask { try await write(outbox, writer: number, count: 200) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try await outbox.script(Self.insertion(99_999))
            #expect(try await told.sorted() == committed.sorted() + [99_999])
            #expect(committed.count > 1_000 && committed.count < 2_000)
            await from.worker.connection.close()
        }
    }

    /// Looks again and again until a lane is found.
    private func follow(_ watch: Watch, until last: Int32) async throws -> [Int32] {
        var watch = watch
        var found: [Int32] = []
        let end = ContinuousClock.now + .seconds(60)
        while !found.contains(last), ContinuousClock.now < end { found += try await watch.look() }
        return found
    }

    /// One transaction after another; returns the lanes of those that were committed.
    private func write(_ outbox: TestOutbox, writer: Int, count: Int) async throws -> [Int32] {
        var generator = SeededGenerator(seed: UInt64(writer.magnitude))
        let connection = try await outbox.connect()
        var committed: [Int32] = []
        for number in 0..<count {
            let lane = Int32(writer * count + number)
            let pause = Double.random(in: 0..<0.01, using: &generator)
            let isCommitted = Int.random(in: 0..<5, using: &generator) > 0
            try await connection.execute(
                script: """
                    BEGIN; SAVEPOINT a; \(Self.insertion(lane)); RELEASE a; SELECT pg_sleep(\(pause));
                    \(isCommitted ? "COMMIT" : "ROLLBACK")
                    """, deadline: TestOutbox.deadline)
            if isCommitted { committed.append(lane) }
        }
        await connection.close()
        return committed
    }

    private static func insertion(_ lane: Int32) -> String {
        """
        INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes)
        VALUES (clock_timestamp(), 1, now(), \(lane), 100)
        """
    }

    private static func microseconds(_ value: String) -> String {
        "SELECT (extract(epoch FROM \(value)) * 1000000)::bigint FROM postrider.deliveries"
    }
}
