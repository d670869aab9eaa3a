import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An event's status", .timeLimit(.minutes(3)))
struct StatusTests {
    /// Does something, then says which status is to be seen.
    private struct Step {
        var status: String
        var action: @Sendable (TestOutbox, TestWorker) async throws -> Void

        init(_ status: String, action: @escaping @Sendable (TestOutbox, TestWorker) async throws -> Void) {
            self.status = status
            self.action = action
        }

        init(_ status: String, sql: String) {
            self.init(status) { outbox, _ in try await outbox.query(sql) }
        }
    }

    private let steps = [
        Step("pending 0") { outbox, _ in try await outbox.publish() },
        Step("held 0", sql: "SELECT postrider.pause_endpoint('a')"),
        Step("pending 0", sql: "SELECT postrider.resume_endpoint('a')"),
        Step("in_flight 1") { _, worker in _ = try await worker.claim() },
        Step("retrying 1") { outbox, _ in try await outbox.lapseLeases() },
        Step("retrying 2") { _, worker in try await worker.work(.retry(after: .seconds(60))) },
        Step("retrying 2") { outbox, _ in try await outbox.elapseDelays() },
        Step("dead 3") { _, worker in try await worker.work(.dead(.attemptsExhausted)) },
        Step("pending 3", sql: "SELECT postrider.replay_dead_letter(1)"),
        Step("held 4") { _, worker in try await worker.work(.gone) },
        Step("pending 4", sql: "SELECT postrider.resume_endpoint('a')"),
        Step("dead 5") { _, worker in try await worker.work(.dead(.attemptsExhausted)) },
        Step("dead 5", sql: "SELECT postrider.discard_dead_letter(id, 'enough') FROM postrider.dead"),
    ]

    @Test("is one row per endpoint at every step")
    func walk() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b", types: ["never"])
            for (index, step) in steps.enumerated() {
                try await step.action(outbox, outbox.ownWorker())
                #expect(try await outbox.statuses() == ["1 a \(step.status)"], "step \(index)")
                #expect(try await outbox.discrepancies() == [], "step \(index)")
            }
        }
    }

    @Test("of all is counted: what was made and has not ended is there, however the rest ended")
    func counts() async throws {
        try await TestOutbox.withOutbox { outbox in
            func waiting() async throws -> Int64? {
                try await outbox.query("SELECT pg_stat_force_next_flush()")
                let state = try await outbox.connection.run(Status.database, deadline: TestOutbox.deadline).first
                return state?.made.flatMap { made in state?.ended.map { made - $0 } }
            }
            try await outbox.registerEndpoint("a")
            #expect(try await waiting() == 0)
            try await outbox.publish(count: 6)
            #expect(try await waiting() == 6)
            try await outbox.query("SELECT postrider.cancel_event(1)")
            #expect(try await waiting() == 5)
            try await outbox.ownWorker().work(.delivered)
            let afterDelivery = try await outbox.number("SELECT count(*) FROM postrider.deliveries")
            #expect(try await waiting() == afterDelivery && afterDelivery < 5)
            try await outbox.publish(count: 3)
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            try await outbox.query("SELECT postrider.replay_dead_letter(id) FROM postrider.dead LIMIT 1")
            #expect(try await waiting() == outbox.number("SELECT count(*) FROM postrider.deliveries"))
            try await outbox.query("SELECT postrider.remove_endpoint('a')")
            #expect(try await waiting() == 0)
        }
    }

    @Test("at the end is delivered, expired, cancelled, filtered, or without a subscriber")
    func ends() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", types: ["a"])
            for outcome in [Settlement.Outcome.delivered, .expired] {
                try await outbox.publish("a")
                try await outbox.ownWorker().work(outcome)
            }
            try await outbox.query("SELECT postrider.cancel_event($1)", String(try await outbox.publish("a")))
            try await outbox.publish("a")
            try await outbox.script(
                """
                WITH gone AS (DELETE FROM postrider.deliveries RETURNING *)
                INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status)
                SELECT event_id, event_at, endpoint_id, attempt, 'filtered' FROM gone
                """)
            try await outbox.publish("nobody")
            #expect(
                try await outbox.statuses() == [
                    "1 a delivered 1", "2 a expired 0", "3 a cancelled 0", "4 a filtered 0", "5 - no_subscriber 0",
                ])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("shows in a view with the columns of the contract, as do attempts, dead letters and endpoints")
    func columns() async throws {
        try await TestOutbox.withOutbox { outbox in
            let contract = [
                "event_deliveries": """
                event_id, webhook_id, event_type, tenant, endpoint, status, attempts, due_at, last_attempt_at, \
                last_http_status, last_error_code, created_at, finished_at
                """,
                "attempt_log": """
                event_id, webhook_id, event_type, endpoint, attempt, started_at, duration_ms, outcome, http_status, \
                error_code, error, response_body, request_url, remote_address, timings
                """,
                "dead_letters": """
                id, event_id, webhook_id, event_type, tenant, endpoint, attempts, reason, last_http_status, last_error, \
                payload, created_at, dead_at
                """,
                "endpoint_health": """
                endpoint, url, state, state_reason, pending, in_flight, oldest_due_age, consecutive_failures, \
                last_success_at, last_failure_at, dead_letters
                """,
            ]
            for (view, columns) in contract {
                let found = try await outbox.query("SELECT * FROM postrider.\(view)").columns
                #expect(found.joined(separator: ", ").hasPrefix(columns), "\(view)")
            }
        }
    }
}
