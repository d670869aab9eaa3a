import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An attempt whose worker never reports", .timeLimit(.minutes(3)))
struct LostAttemptTests {
    private let log = """
        SELECT format('%s %s %s %s: %s', endpoint, attempt, outcome, coalesce(worker_name, worker::text), error)
        FROM postrider.attempt_log ORDER BY endpoint, attempt, started_at
        """

    @Test("is on record with its worker's name once another takes over, on lanes with a limit and without")
    func recorded() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("free")
            try await outbox.registerEndpoint("limited", maxInFlight: 2)
            try await outbox.publish()
            let connection = outbox.connection
            let id = try #require(
                try await connection.run(Workers.register(name: "host:1", version: "1"), deadline: .seconds(5)).first)
            #expect(try await outbox.ownWorker(id).claim().count == 2)
            try await connection.execute(Workers.forget(id), deadline: .seconds(5))
            try await outbox.lapseLeases()
            #expect(try await outbox.number("SELECT postrider.keep_leases()") == 1)
            let next = try await outbox.ownWorker(id &+ 1).claim()
            #expect(next.map(\.attempt) == [2, 2])
            let lost = "stale host:1: the worker did not report"
            #expect(try await outbox.column(log) == ["free 1 \(lost)", "limited 1 \(lost)"])
            try await outbox.ownWorker(id &+ 1).settle(next, .delivered)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts") == 4)
            #expect(try await outbox.statuses() == ["1 free delivered 2", "1 limited delivered 2"])
        }
    }

    @Test("is replaced by what the worker says late, also when it says so twice")
    func late() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            for _ in 0..<3 { try await outbox.publish() }
            let first = try await outbox.ownWorker(1).claim()
            try await outbox.lapseLeases()
            let second = try await outbox.ownWorker(2).claim()
            #expect(try await outbox.column(log).count == 3)
            for again in [false, true] {
                #expect(try await outbox.ownWorker(1).settle(first, .delivered, again: again).count == (again ? 0 : 3))
            }
            #expect(try await outbox.column(log).allSatisfy { $0 == "a 1 stale 1: " })
            try await outbox.ownWorker(2).settle(second, .delivered)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts") == 6)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is not invented for a delivery whose schedule was shortened: the last real error stays")
    func shortened() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.publish()
            let worker = outbox.ownWorker()
            for _ in 0..<3 { try await worker.work(.retry(after: .zero)) }
            try await worker.work(.spent)
            #expect(
                try await outbox.column("SELECT attempt || ' ' || outcome FROM postrider.attempt_log ORDER BY attempt")
                    == ["1 retry", "2 retry", "3 retry"])
            #expect(
                try await outbox.query("SELECT attempts, reason, last_http_status, last_error_code FROM postrider.dead")
                    .rows
                    == [["3", "attempts_exhausted", "503", "http_status"]])
            // A crash at the end of the schedule is told as one.
            try await outbox.publish()
            _ = try await outbox.ownWorker(7).claim()
            try await outbox.lapseLeases()
            try await worker.work(.spent)
            #expect(
                try await outbox.column("SELECT reason FROM postrider.dead ORDER BY id") == [
                    "attempts_exhausted", "lost_lease",
                ])
            #expect(try await outbox.number("SELECT postrider.replay_dead_letter(1)") == 1)
            #expect(try await worker.claim().map(\.attempt) == [4])
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
