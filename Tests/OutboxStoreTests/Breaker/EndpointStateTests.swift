import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The state of an endpoint", .timeLimit(.minutes(3)))
struct EndpointStateTests {
    private func failSince(_ outbox: TestOutbox, _ ago: String, _ failures: Int) async throws {
        try await outbox.query(
            """
            UPDATE postrider.endpoint_marks SET failing_since = now() - $1::interval, consecutive_failures = $2::int
            WHERE endpoint_id = 1
            """, ago, String(failures))
    }

    @Test(
        "is disabled after failing for long without one success, with twenty attempts, warned twice before; a success ends that"
    )
    func disabling() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SELECT postrider.update_endpoint('shop', disable_after => '10 h')")
            try await outbox.publish(count: 40)
            let worker = outbox.ownWorker()
            func fail() async throws -> [String] { try await worker.answer(try await worker.claim([1], room: 1), 404) }
            try await failSince(outbox, "11 h", 18)
            #expect(try await fail() == [])
            try await failSince(outbox, "4 h", 30)
            #expect(try await fail() == [])
            try await failSince(outbox, "6 h", 30)
            #expect(try await fail() == ["warned shop"])
            #expect(try await fail() == [])
            try await failSince(outbox, "9 h 1 min", 30)
            #expect(try await fail() == ["warned shop"])
            // A success in the same batch counts.
            try await failSince(outbox, "11 h", 30)
            let two = try await worker.claim([1], room: 2)
            var batch = two.map { Settlement(madeUp: $0, .retry(after: .zero)) }
            batch[0] = Settlement(madeUp: two[0], .delivered)
            try await worker.settle(batch)
            #expect(try await outbox.column("SELECT state FROM postrider.endpoints") == ["active"])
            try await failSince(outbox, "11 h", 19)
            #expect(try await fail() == ["disabled shop"])
            let health =
                "SELECT state, state_reason, held > 0 FROM (SELECT h.state, h.state_reason, h.held FROM postrider.endpoint_health h) x"
            #expect(
                try await outbox.query(health).rows == [
                    ["disabled", "no success for 10:00:00; 20 attempts failed", "t"]
                ])
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await worker.claim([1]).isEmpty == false)
        }
    }

    @Test("is disabled by webhook-delivery: disable, in a success too; the delivery of that is delivered")
    func directive() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 3)
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim([1], room: 2)
            var batch = [Settlement(madeUp: claimed[0], .delivered), Settlement(madeUp: claimed[1], .delivered)]
            batch[1].signal.disables = true
            try await worker.settle(batch)
            #expect(try await outbox.statuses() == ["1 shop delivered 1", "2 shop delivered 1", "3 shop held 0"])
            let why = "SELECT why FROM postrider.endpoint_changes WHERE to_state = 'disabled'"
            #expect(try await outbox.column(why) == ["the receiver answered webhook-delivery: disable"])
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            try await worker.settle(try await worker.claim([1]), .disabled)
            #expect(
                try await outbox.column(why)
                    == Array(repeating: "the receiver answered webhook-delivery: disable", count: 2))
            #expect(try await outbox.statuses().last == "3 shop held 1")
        }
    }

    @Test("and each act leave one row each, and none when they are rolled back")
    func audit() async throws {
        try await TestOutbox.withOutbox { outbox in
            let acts = [
                "register_endpoint('shop', 'https://shop.example/')",
                "update_endpoint('shop', timeout => '5 s', breaker => false)",
                "pause_endpoint('shop')", "resume_endpoint('shop')", "rotate_secret('shop')", "remove_endpoint('shop')",
            ]
            for act in acts {
                let before = try await outbox.number("SELECT count(*) FROM postrider.audit_log")
                try await outbox.script("BEGIN; SELECT postrider.\(act); ROLLBACK")
                #expect(try await outbox.number("SELECT count(*) FROM postrider.audit_log") == before, "\(act)")
                try await outbox.script("SELECT postrider.\(act)")
                #expect(try await outbox.number("SELECT count(*) FROM postrider.audit_log") == before + 1, "\(act)")
            }
            let log = try await outbox.query("SELECT by_whom, act, subject, why FROM postrider.audit_log ORDER BY id")
            #expect(log.rows.map { $0[1] } == ["register", "update", "pause", "resume", "rotate-secret", "remove"])
            #expect(log.rows[1] == ["postgres", "update", "endpoint shop", "timeout, breaker"])
            let changes =
                "SELECT concat_ws(' ', from_state, to_state, why, by_whom) FROM postrider.endpoint_changes ORDER BY id"
            #expect(
                try await outbox.column(changes) == [
                    "active postgres", "active paused paused by postgres postgres", "paused active postgres",
                    "active removed removed by postgres postgres",
                ])
        }
    }

    @Test("is told once when something has been due for long, and once more when that was over; not of a closed lane")
    func oldBacklog() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["shop", "paused"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish(count: 1)
            try await outbox.query("SELECT postrider.pause_endpoint('paused')")
            func keep(dueFor age: String) async throws -> Int64 {
                try await outbox.query(
                    "UPDATE postrider.deliveries SET due_at = now() - $1::interval WHERE endpoint_id < 3", age)
                return try await outbox.number("SELECT postrider.keep_backlog()")
            }
            // No one has asked to be told.
            #expect(try await keep(dueFor: "1 h") == 0)
            try await outbox.registerEndpoint("ops", types: ["postrider.backlog.old"])
            #expect(try await keep(dueFor: "14 min") == 0)
            #expect(try await keep(dueFor: "16 min") == 1)
            #expect(try await keep(dueFor: "16 min") == 0)
            let worker = outbox.ownWorker()
            try await worker.settle(try await worker.claim([1]), .delivered)
            #expect(try await outbox.number("SELECT postrider.keep_backlog()") == 0)
            try await outbox.publish(count: 1)
            try await outbox.query(
                "UPDATE postrider.deliveries SET due_at = now() - interval '16 min' WHERE endpoint_id = 1")
            #expect(try await outbox.number("SELECT postrider.keep_backlog()") == 1)
            let told = "SELECT payload ->> 'endpoint' FROM postrider.outbox WHERE event_type = 'postrider.backlog.old'"
            #expect(try await outbox.column(told) == ["shop", "shop"])
        }
    }

    @Test("is told in events that * does not match; a failure to deliver one tells none")
    func ownEvents() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            // Without an endpoint that asks for them there are none.
            let worker = outbox.ownWorker()
            try await outbox.publish(count: 30)
            _ = try await worker.answer(try await worker.claim([1], room: 5), 500)
            #expect(
                try await outbox.number("SELECT count(*) FROM postrider.outbox WHERE event_type LIKE 'postrider.%'")
                    == 0)
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            try await outbox.registerEndpoint("ops", types: ["postrider.*"])
            try await outbox.registerEndpoint("all", types: ["*"], tenant: "other")
            _ = try await worker.answer(try await worker.claim([1], room: 5), 500)
            try await outbox.query("UPDATE postrider.lanes SET open_at = now()")
            _ = try await worker.answer(try await worker.claim([1]), 200)
            _ = try await worker.answer(try await worker.claim([1], room: 1), 400, .dead(.permanentStatus))
            try await worker.settle(try await worker.claim([1], room: 1), .gone)
            let told = """
                SELECT d.event_type || ' ' || d.endpoint || ' ' || (o.payload ->> 'endpoint')
                FROM postrider.event_deliveries d JOIN postrider.outbox o ON o.id = d.event_id
                WHERE d.event_type LIKE 'postrider.%' ORDER BY d.event_id
                """
            let expected = [
                "postrider.endpoint.failing ops shop", "postrider.endpoint.recovered ops shop",
                "postrider.delivery.dead ops shop", "postrider.endpoint.disabled ops shop",
            ]
            #expect(try await outbox.column(told) == expected)
            // Of their own failures there are none: neither dead, nor failing, nor disabled.
            let ops = try await worker.claim([2])
            #expect(ops.count == 4)
            _ = try await worker.answer([ops[0]], 500, .dead(.attemptsExhausted))
            for _ in 1...2 { _ = try await worker.answer(Array(ops[1...2]), 500) }
            try await outbox.query("UPDATE postrider.endpoint_marks SET strikes = 4 WHERE endpoint_id = 2")
            _ = try await worker.answer([ops[3]], 500)
            #expect(
                try await outbox.column("SELECT state FROM postrider.endpoint_health WHERE endpoint = 'ops'") == [
                    "failing"
                ])
            #expect(try await outbox.column(told) == expected)
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
