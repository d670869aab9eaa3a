import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An outcome", .timeLimit(.minutes(3)))
struct OutcomeTests {
    @Test("of a retry is due again after its delay, by the database's clock")
    func retry() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = outbox.ownWorker()
            try await worker.work(.retry(after: .seconds(90)))
            let row = """
                SELECT status, attempts, round(extract(epoch FROM due_at - now()))::int, last_http_status, last_error_code
                FROM postrider.event_deliveries
                """
            #expect(try await outbox.query(row).rows == [["retrying", "1", "90", "503", "http_status"]])
            #expect(try await worker.claim().isEmpty)
            try await outbox.elapseDelays()
            #expect(try await worker.claim().map(\.attempt) == [2])
        }
    }

    @Test("that waited says when its attempt began, by the database's clock")
    func beganBefore() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = outbox.ownWorker()
            var settlement = Settlement(madeUp: try #require(try await worker.claim().first), .delivered)
            settlement.startedAt = .now - .seconds(90)
            try await worker.settle([settlement])
            let ago = "SELECT round(extract(epoch FROM now() - started_at))::int FROM postrider.attempt_log"
            #expect(try await outbox.query(ago).rows == [["90"]])
        }
    }

    @Test("of a dead letter keeps why")
    func dead() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish("order.paid", "{\"a\":1}", key: "k")
            let worker = outbox.ownWorker()
            var settlement = Settlement(madeUp: try #require(try await worker.claim().first), .dead(.blockedAddress))
            settlement.error = "the endpoint answered 400"
            try await worker.settle([settlement])
            let letter = """
                SELECT id, event_id, event_type, tenant, endpoint, attempts, reason, last_http_status, last_error, payload
                FROM postrider.dead_letters
                """
            #expect(
                try await outbox.query(letter).rows == [
                    [
                        "1", "1", "order.paid", "", "shop", "1", "blocked_address", "503", "the endpoint answered 400",
                        "{\"a\":1}",
                    ]
                ])
            #expect(try await outbox.statuses() == ["1 shop dead 1"])
        }
    }

    @Test("of 410 disables the endpoint and holds what it is owed, until it is resumed")
    func gone() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = outbox.ownWorker()
            try await worker.work(.gone)
            try await outbox.publish()
            let health = "SELECT state, state_reason FROM postrider.endpoint_health"
            #expect(try await outbox.query(health).rows == [["disabled", "the endpoint answered 410 Gone"]])
            #expect(try await outbox.statuses() == ["1 shop held 1", "2 shop held 0"])
            #expect(try await outbox.column("SELECT outcome FROM postrider.attempt_log") == ["retry"])
            #expect(try await worker.claim([1]).isEmpty)
            // Pausing says less than being disabled.
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            #expect(try await outbox.column(health) == ["disabled"])
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await worker.claim().map(\.attempt).sorted() == [1, 2])
        }
    }

    @Test("of nothing sent records no attempt: expired is over, released goes back")
    func nothingSent() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for _ in 0..<2 { try await outbox.publish() }
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim()
            try await worker.settle(
                zip(claimed, [.expired, .released]).map { Settlement(madeUp: $0, $1) })
            #expect(try await outbox.statuses() == ["1 shop expired 0", "2 shop pending 0"])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempts") == 0)
            // Its number is used up, but it is the first in the schedule again.
            let again = try await outbox.ownWorker(2).claim()
            #expect(again.map(\.attempt) == [2] && again.map(\.attemptInSchedule) == [1])
        }
    }

    @Test("is in the attempt log with all that was seen")
    func attemptLog() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = outbox.ownWorker()
            var settlement = Settlement(madeUp: try #require(try await worker.claim().first), .delivered)
            settlement.url = 1
            settlement.responseBody = "ok"
            settlement.remoteAddress = "192.0.2.1:443"
            settlement.nameLookup = 100
            settlement.connect = 1100
            settlement.firstByte = 10_000
            try await worker.settle([settlement])
            let attempt = """
                SELECT event_id, event_type, endpoint, attempt, duration_ms, outcome, http_status, response_body, request_url,
                    remote_address, timings
                FROM postrider.attempt_log
                """
            let timings = """
                {"total_ms": 12.345, "connect_ms": 1.100, "first_byte_ms": 10.000, "name_lookup_ms": 0.100}
                """
            #expect(
                try await outbox.query(attempt).rows == [
                    [
                        "1", "order.paid", "shop", "1", "12.345", "delivered", "200", "ok",
                        "https://shop.example/hooks",
                        "192.0.2.1:443", timings,
                    ]
                ])
        }
    }

    @Test("counts failures in a row until a success")
    func marks() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for _ in 0..<3 { try await outbox.publish() }
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim()
            let failures = "SELECT consecutive_failures FROM postrider.endpoint_health"
            for (index, delivery) in claimed.enumerated() {
                #expect(try await outbox.number(failures) == Int64(index))
                try await worker.settle([delivery], index < 2 ? .retry(after: .zero) : .delivered)
            }
            #expect(try await outbox.number(failures) == 0)
        }
    }
}
