import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A look that waits", .timeLimit(.minutes(2)))
struct WaitingLookTests {
    private static let long = Duration.seconds(20)

    private func isWaiting(_ outbox: TestOutbox) async throws {
        try await outbox.wait(
            for: """
                SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                    AND query LIKE '%look_waiting%' AND wait_event = 'PgSleep')
                """)
    }

    @Test("ends as soon as there is something to find: a new row, a late commit, a changed endpoint")
    func endsSoon() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let worker = try await outbox.worker(1)
            var watch = Watch(worker)
            try await watch.look()
            let late = "\(outbox.database.name) late"
            try await outbox.script("BEGIN; SELECT postrider.publish('x', '1'); PREPARE TRANSACTION '\(late)'")
            for change in [
                "SELECT postrider.publish('x', '1')", "SELECT postrider.pause_endpoint('shop')",
                "COMMIT PREPARED '\(late)'",
            ] {
                let before = watch
                async let looked = {
                    var after = before; return (try await after.lanes(waiting: Self.long), after)
                }()
                try await isWaiting(outbox)
                let committed = ContinuousClock.now
                try await outbox.query(change)
                let found: [FoundLane]
                (found, watch) = try await looked
                #expect(found.map(\.endpoint) == [1], "\(change)")
                #expect(ContinuousClock.now - committed < .seconds(2), "\(change)")
                #expect(try await watch.look() == [], "\(change)")
            }
            await worker.connection.close()
        }
    }

    @Test("goes on waiting when others write, and finds nothing at its end")
    func others() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let worker = try await outbox.worker(1)
            var watch = Watch(worker)
            try await watch.look()
            let before = watch
            async let looked = {
                var after = before; return try await after.lanes(waiting: .milliseconds(400))
            }()
            let began = ContinuousClock.now
            for _ in 0..<5 {
                try await isWaiting(outbox)
                try await outbox.query("SELECT pg_current_xact_id()")
            }
            #expect(try await looked == [])
            #expect(ContinuousClock.now - began > .milliseconds(300))
            await worker.connection.close()
        }
    }

    @Test("ends before the server cancels it, or logs it as slow")
    func limits() async throws {
        try await TestOutbox.withOutbox { outbox in
            var watch = Watch(outbox.ownWorker())
            try await watch.look()
            for limit in ["statement_timeout", "log_min_duration_statement"] {
                try await outbox.query("SET \(limit) = '2s'")
                let began = ContinuousClock.now
                #expect(try await watch.lanes(waiting: Self.long) == [])
                #expect(ContinuousClock.now - began < .seconds(2), "\(limit)")
                try await outbox.query("RESET \(limit)")
            }
        }
    }
}
