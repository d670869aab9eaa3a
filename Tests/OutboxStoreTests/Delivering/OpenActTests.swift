import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// An operator's act in a transaction that stays open, as for a preview: everything of other endpoints goes on.
@Suite("An act that is left open", .timeLimit(.minutes(3)))
struct OpenActTests {
    /// Each with what it changes: event 1 is owed to `held` alone, and dead letter 1 was.
    static let acts = [
        "pause_endpoint('held')", "resume_endpoint('held')", "update_endpoint('held', url => 'https://new.example/')",
        "update_endpoint('held', max_in_flight => 7)", "update_endpoint('held', max_in_flight => 0)",
        "rotate_secret('held')", "remove_endpoint('held')", "cancel_event(1)", "replay_dead_letter(1)",
        "replay_dead_letters('held')", "discard_dead_letter(1, 'test')",
        "register_endpoint('new', 'https://new.example/')",
    ]

    @Test("keeps no settle, claim, look, walk or duty of others waiting", arguments: [nil, 20] as [Int?])
    func others(limit: Int?) async throws {
        for act in Self.acts {
            try await TestOutbox.withOutbox { outbox in
                try await outbox.registerEndpoint("held", types: ["held.*"], maxInFlight: limit)
                try await outbox.registerEndpoint("free", types: ["free.*"], maxInFlight: 50)
                let worker = TestWorker(id: 1, connection: try await outbox.connect(in: "postrider_worker"))
                try await outbox.publish("held.event")
                try await worker.work(.dead(.attemptsExhausted))
                // Dead letter 1, and what is in flight of both.
                for key in ["k", nil, nil] {
                    try await outbox.publish("held.event", key: key)
                    try await outbox.publish("free.event", key: key)
                }
                let claimed = try await worker.claim()
                #expect(claimed.count == 6)
                let batch = claimed.map { Settlement(madeUp: $0, .delivered) }

                let left = try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                    let act = act.replacing("cancel_event(1)", with: "cancel_event(2)")
                    _ = try await transaction.query("SELECT postrider.\(act)", deadline: .seconds(5))
                    _ = try await worker.connection.query("SET statement_timeout = '2 s'", deadline: .seconds(5))
                    try await goOn(outbox, worker, act)
                    let left = try await worker.settleLeaving(batch)
                    #expect(left.allSatisfy { $0.delivery.endpoint == 1 }, "\(act)")
                    return left
                }
                // What was left is still this worker's, and is recorded when the act is over.
                #expect(try await worker.settleLeaving(left).isEmpty, "\(act)")
                let lost = try await outbox.number("SELECT count(*) FROM postrider.attempts WHERE outcome = 3")
                #expect(lost == 0, "\(act)")
                await worker.connection.close()
            }
        }
    }

    /// Everything a worker does, with new events for the other endpoint.
    private func goOn(_ outbox: TestOutbox, _ worker: TestWorker, _ act: String) async throws {
        let producer = try await outbox.connect()
        _ = try await producer.query(
            "INSERT INTO postrider.outbox (event_type, payload) SELECT 'free.event', '1' FROM generate_series(1, 20)",
            deadline: .seconds(5))
        await producer.close()
        #expect(try await worker.look(since: nil).lanes.isEmpty)
        #expect(try await worker.walk().count >= 1, "\(act)")
        let more = try await worker.claim([1, 2])
        #expect(more.count { $0.endpoint == 2 } == 20, "\(act)")
        #expect(try await worker.settleLeaving(more.map { Settlement(madeUp: $0, .delivered) }).isEmpty, "\(act)")
        for duty in ["subscriptions", "leases", "keys", "repaired", "workers"] {
            _ = try await worker.connection.query("SELECT postrider.keep_\(duty)()", deadline: .seconds(5))
        }
    }

    @Test("makes a settle that may wait give up soon, having recorded nothing")
    func waitsBriefly() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("held", maxInFlight: 20)
            try await outbox.publish()
            let worker = try await outbox.worker(1)
            let claimed = try await worker.claim()
            try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                _ = try await transaction.query("SELECT postrider.pause_endpoint('held')", deadline: .seconds(5))
                let began = ContinuousClock.now
                do {
                    try await worker.settle(claimed, .delivered)
                    Issue.record("the settle did not wait for the lane")
                } catch let error as PostgresError { #expect(error.sqlState == .lockNotAvailable) }
                #expect(ContinuousClock.now - began < .seconds(1))
            }
            #expect(try await worker.settle(claimed, .delivered) == [])
            await worker.connection.close()
        }
    }

    /// Each with whether it is committed. Some of them lock the rows, so that no lease could be prolonged.
    static let longActs = [
        ("rotate_secret('held')", true), ("update_endpoint('held', max_in_flight => 7)", true),
        ("update_endpoint('held', max_in_flight => 7)", false), ("cancel_event(1)", false),
        ("remove_endpoint('held')", false),
    ]

    private struct Preview: Error {}

    @Test("keeps all workers from taking over what was left, though its leases end", arguments: longActs)
    func leases(act: String, isCommitted: Bool) async throws {
        for limit in [nil, 20] as [Int?] {
            try await TestOutbox.withOutbox { outbox in
                try await outbox.query("INSERT INTO postrider.workers (id, name, version) VALUES (1, 'first', '1')")
                try await outbox.registerEndpoint("held", maxInFlight: limit)
                try await outbox.publish(key: "k")
                let worker = TestWorker(id: 1, connection: try await outbox.connect(in: "postrider_worker"))
                let batch = try await worker.claim().map { Settlement(madeUp: $0, .delivered) }
                try await outbox.lapseLeases()
                do {
                    try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                        _ = try await transaction.query("SELECT postrider.\(act)", deadline: .seconds(5))
                        #expect(try await worker.settleLeaving(batch).count == 1)
                        if !isCommitted { throw Preview() }
                    }
                } catch is Preview {}
                #expect(try await worker.claim().isEmpty)
                #expect(try await outbox.ownWorker(2).claim().isEmpty)
                #expect(try await outbox.number("SELECT postrider.keep_leases()") == 0)
                #expect(try await worker.settleLeaving(batch).isEmpty)
                #expect(try await outbox.statuses().first == "1 held delivered 1")
                await worker.connection.close()
            }
        }
    }

    @Test("does not keep what a worker holds for longer than the worker goes on saying so")
    func forOneThatDied() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query("INSERT INTO postrider.workers (id, name, version) VALUES (1, 'first', '1')")
            try await outbox.registerEndpoint("held", maxInFlight: 20)
            try await outbox.publish()
            let worker = try await outbox.worker(1)
            let batch = try await worker.claim().map { Settlement(madeUp: $0, .delivered) }
            try await outbox.lapseLeases()
            try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                _ = try await transaction.query("SELECT postrider.rotate_secret('held')", deadline: .seconds(5))
                #expect(try await worker.settleLeaving(batch).count == 1)
            }
            let other = outbox.ownWorker(2)
            // A claim in vain says when to ask again, and locks nothing: it has written nothing.
            let before = try await outbox.column("SELECT xmin, xmax FROM postrider.lanes")
            let report = try #require(try await other.claimReporting().reports[1])
            #expect(report.state == .empty && report.nextAt < .infinity)
            #expect(try await outbox.column("SELECT xmin, xmax FROM postrider.lanes") == before)
            let keeps = "SELECT extract(epoch FROM max(keeps_until) - clock_timestamp())::int FROM postrider.workers"
            #expect((5...15).contains(try await outbox.number(keeps)))
            try await outbox.query("UPDATE postrider.workers SET keeps_until = clock_timestamp()")
            #expect(try await other.claim().count == 1)
            await worker.connection.close()
        }
    }

    @Test("does not disable an endpoint twice, nor keep a 410 from being recorded later")
    func gone() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["held", "free"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish()
            let worker = try await outbox.worker(1)
            let batch = try await worker.claim().map { Settlement(madeUp: $0, .gone) }
            let left = try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                _ = try await transaction.query(
                    "SELECT postrider.update_endpoint('held', max_attempts => 3)", deadline: .seconds(5))
                return try await worker.settleLeaving(batch)
            }
            #expect(left.map(\.delivery.endpoint) == [1])
            let states = "SELECT state FROM postrider.endpoints ORDER BY id"
            #expect(try await outbox.column(states) == ["active", "disabled"])
            #expect(try await worker.settleLeaving(left).isEmpty)
            #expect(try await outbox.column(states) == ["disabled", "disabled"])
            await worker.connection.close()
        }
    }

    @Test("keeps an act on other endpoints waiting for a moment only, and then it says so")
    func otherActs() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["held", "free"] { try await outbox.registerEndpoint(name) }
            try await outbox.publish()
            let other = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(20)) { transaction in
                _ = try await transaction.query("SELECT postrider.pause_endpoint('held')", deadline: .seconds(5))
                #expect(await other.refusal(of: "SELECT postrider.pause_endpoint('free')") == nil)
                let refusal = await other.refusal(of: "SELECT postrider.cancel_event(1)")
                #expect(refusal?.sqlState == .lockNotAvailable)
                #expect(refusal?.message.contains("another session holds") == true)
            }
            #expect(await other.refusal(of: "SELECT postrider.cancel_event(1)") == nil)
            await other.close()
        }
    }
}
