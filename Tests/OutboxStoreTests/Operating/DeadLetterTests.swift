import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A dead letter", .timeLimit(.minutes(3)))
struct DeadLetterTests {
    @Test("that is replayed goes on counting attempts, with a fresh schedule")
    func replay() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish()
            let worker = outbox.ownWorker()
            for _ in 0..<3 { try await worker.work(.retry(after: .zero)) }
            try await worker.work(.dead(.attemptsExhausted))
            #expect(try await outbox.number("SELECT postrider.replay_dead_letter(1)") == 1)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 0)
            let claimed = try await worker.claim()
            #expect(claimed.map(\.attempt) == [5])
            #expect(claimed.map(\.attemptInSchedule) == [1])
            try await worker.settle(claimed, .delivered)
            let log = "SELECT attempt || ' ' || outcome FROM postrider.attempt_log ORDER BY attempt"
            #expect(
                try await outbox.column(log) == ["1 retry", "2 retry", "3 retry", "4 dead", "5 delivered"])
            #expect(try await outbox.statuses() == ["1 shop delivered 5"])
            #expect(await outbox.refusal(of: "SELECT postrider.replay_dead_letter(1)")?.sqlState?.rawValue == "P0002")
        }
    }

    /// Arguments, and the events they choose.
    private let filters: [(String, [Int])] = [
        ("", [1, 1, 2, 2, 3, 3]), ("endpoint => 'a'", [1, 2, 3]), ("event_type => 'x.b'", [2, 2]),
        ("endpoint => 'b', event_type => 'x.c'", [3]), ("endpoint => 'nobody'", []), ("max_rows => 2", [1, 1]),
        ("max_rows => 0", []), ("since => now() - interval '150 min', endpoint => 'a'", [2, 3]),
        ("until => now() - interval '90 min', endpoint => 'a'", [1, 2]),
        ("since => now() - interval '150 min', until => now() - interval '90 min'", [2, 2]),
    ]

    @Test("can be replayed by endpoint, time, type and number, oldest first, and previewed")
    func replaysByFilter() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await bury(outbox)
            for (arguments, events) in filters {
                let replayed = try await outbox.connection.withRollback { transaction in
                    let count = try await transaction.query(
                        "SELECT postrider.replay_dead_letters(\(arguments))", deadline: .seconds(5))
                    let table = try await transaction.query(
                        "SELECT event_id FROM postrider.deliveries ORDER BY event_id, id", deadline: .seconds(5))
                    return [count.first] + table.values("event_id")
                }
                #expect(replayed == ["\(events.count)"] + events.map { "\($0)" }, "\(arguments)")
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 6)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 0)
        }
    }

    @Test("is replayed once by four operators at once")
    func manyOperators() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await bury(outbox)
            let count = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let connection = try await outbox.connect()
                        let count = try await connection.query(
                            "SELECT postrider.replay_dead_letters()", deadline: .seconds(5)
                        ).first
                        await connection.close()
                        return count.flatMap { Int64($0) } ?? 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(count == 6)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries") == 6)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("whose event has expired stays, unless it is to be sent all the same")
    func expired() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(expiresAfter: "-1 s")
            try await outbox.publish(expiresAfter: "1 h")
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            let recorder = NoticeRecorder()
            let connection = try await outbox.connect(logger: recorder.logger)
            for (call, count) in [("replay_dead_letter(1)", "0"), ("replay_dead_letters('shop')", "1")] {
                let before = recorder.notices.count
                let answer = try await connection.query("SELECT postrider.\(call)", deadline: .seconds(5)).first
                #expect(answer == count, "\(call)")
                let heard = recorder.notices.dropFirst(before).map { "\($0)" }
                #expect(heard.count == 1 && heard.allSatisfy { $0.contains("expired: 1") }, "\(heard)")
            }
            await connection.close()
            #expect(try await outbox.column("SELECT id FROM postrider.dead_letters WHERE expires_at < now()") == ["1"])
            #expect(try await outbox.number("SELECT postrider.replay_dead_letter(1, ignore_expiry => true)") == 1)
            let claimed = try await outbox.ownWorker().claim().sorted { $0.event < $1.event }
            #expect(claimed.map(\.ignoresExpiry) == [true, false])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("stays where too many attempts were made, and does not keep others")
    func spent() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for _ in 0..<3 { try await outbox.publish() }
            try await outbox.ownWorker().work(.dead(.attemptsExhausted))
            try await outbox.query("UPDATE postrider.dead SET attempts = 31001 WHERE id = 1")
            try await outbox.query("UPDATE postrider.dead SET attempts = 31000 WHERE id = 2")
            let error = await outbox.refusal(of: "SELECT postrider.replay_dead_letter(1)")
            #expect(error?.message.contains("dead letter 1 has more than 31000 attempts behind it") == true)
            #expect(try await outbox.number("SELECT postrider.replay_dead_letters(max_rows => 2)") == 2)
            #expect(try await outbox.ownWorker().claim().map(\.attempt).sorted() == [2, 31_001])
            #expect(try await outbox.column("SELECT id FROM postrider.dead") == ["1"])
        }
    }

    @Test("that is discarded stays dead, with the reason and who it was")
    func discard() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await bury(outbox)
            for why in ["NULL", "''", "' '"] {
                let error = await outbox.refusal(of: "SELECT postrider.discard_dead_letter(1, \(why))")
                #expect(error?.sqlState?.rawValue == "23514")
            }
            try await outbox.query("SELECT postrider.discard_dead_letter(1, 'the customer left')")
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead_letters") == 5)
            #expect(try await outbox.statuses().filter { $0.contains("dead") }.count == 6)
            let closed = try await outbox.query("SELECT reason, closed_by FROM postrider.closed").rows
            #expect(closed == [["discarded: the customer left", "postgres"]])
            let error = await outbox.refusal(of: "SELECT postrider.discard_dead_letter(1, 'again')")
            #expect(error?.sqlState?.rawValue == "P0002")
            #expect(try await outbox.discrepancies() == [])
        }
    }

    /// Three events of types x.a, x.b and x.c, dead at the endpoints a and b since three, two and one hours.
    private func bury(_ outbox: TestOutbox) async throws {
        for endpoint in ["a", "b"] { try await outbox.registerEndpoint(endpoint) }
        for type in ["x.a", "x.b", "x.c"] { try await outbox.publish(type) }
        try await outbox.ownWorker().work(.dead(.attemptsExhausted))
        try await outbox.script("UPDATE postrider.dead SET dead_at = now() - (4 - event_id) * interval '1 hour'")
    }
}
