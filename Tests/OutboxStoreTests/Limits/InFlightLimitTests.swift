import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An in-flight limit", .timeLimit(.minutes(4)))
struct InFlightLimitTests {
    private let leased = "SELECT leased FROM postrider.lanes"
    private let held = "SELECT count(*) FROM postrider.deliveries WHERE lease_by <> 0"

    @Test("is exact with four claimers, failures and lost leases")
    func exact() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(timeout: "100 ms", maxInFlight: 7)
            try await outbox.publish(count: 300)
            try await outbox.publish(count: 100, keys: 10)
            let breach = "SELECT count(*) FROM postrider.lanes WHERE leased > 7 OR leased <> (\(held))"
            let crew = Crew(outbox: outbox, workers: 4, slack: .milliseconds(-50), invariant: breach)
            try await crew.run { _, generator in
                switch Int.random(in: 0..<100, using: &generator) {
                case ..<75: .settle(.delivered)
                case ..<85: .settle(.retry(after: .zero))
                case ..<90: .settle(.dead(.attemptsExhausted))
                case ..<95: .settleLater(.delivered)
                default: .abandon
                }
            }
            #expect(try await outbox.number(leased) == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("is the most that is claimed, however much room there is")
    func most() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 7)
            try await outbox.publish(count: 20)
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim()
            #expect(claimed.count == 7)
            #expect(try await worker.claim().isEmpty)
            try await worker.settle(Array(claimed.prefix(3)), .delivered)
            #expect(try await worker.claim().count == 3)
            #expect(try await outbox.number(leased) == 7)
        }
    }

    @Test("that is set while deliveries are in flight counts them; lifted and set again, too")
    func setLater() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 20)
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim(budget: 10)
            try await outbox.query("SELECT postrider.update_endpoint('shop', max_in_flight => 4)")
            #expect(try await outbox.number(leased) == 10)
            #expect(try await worker.claim().isEmpty)
            try await worker.settle(Array(claimed.prefix(7)), .delivered)
            #expect(try await worker.claim().count == 1)
            try await outbox.query("SELECT postrider.update_endpoint('shop', max_in_flight => 0)")
            #expect(try await worker.claim(budget: 3).count == 3)
            try await outbox.query("SELECT postrider.update_endpoint('shop', max_in_flight => 9)")
            #expect(try await outbox.number(leased) == 7)
            #expect(try await worker.claim().count == 2)
        }
    }

    @Test("counts right although it is set and lifted while four workers are at it")
    func toggled() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 3_000)
            let breach = """
                SELECT count(*) FROM postrider.lanes WHERE max_in_flight IS NOT NULL AND leased <> (\(held))
                """
            async let worked = Crew(outbox: outbox, workers: 4, budget: 25, invariant: breach).run()
            let other = try await outbox.connect()
            for limit in Array(repeating: [5, 0, 40, 0], count: 10).joined() {
                _ = try await other.query(
                    "SELECT postrider.update_endpoint('shop', max_in_flight => \(limit))", deadline: .seconds(10))
            }
            await other.close()
            #expect(try await worked.count == 3_000)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("does not count leases that ran out, once housekeeping has seen them")
    func lapsedLeases() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 3)
            try await outbox.publish(count: 5)
            _ = try await outbox.ownWorker(1).claim()
            #expect(try await outbox.number("SELECT postrider.keep_leases()") == 0)
            try await outbox.lapseLeases()
            // Newer rows stand before them, as after an hour of retries.
            try await outbox.script(
                "UPDATE postrider.deliveries SET due_at = due_at - interval '1 hour' WHERE lease_by = 0")
            #expect(try await outbox.ownWorker(2).claim(room: 2).isEmpty)
            #expect(try await outbox.number("SELECT postrider.keep_leases()") == 3)
            #expect(try await outbox.number(leased) == 0)
            #expect(try await outbox.ownWorker(2).claim().count == 3)
        }
    }

    @Test("with leases that ran out is looked after at a cost that the backlog does not raise")
    func lapsedLeasesAreFoundQuickly() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 10)
            try await outbox.publish(count: 30_000)
            _ = try await outbox.ownWorker().claim()
            try await outbox.lapseLeases()
            let plan = try await Plan.of("SELECT postrider.keep_leases()", on: outbox.connection)
            #expect(try await outbox.number(leased) == 0)
            #expect(plan.buffers < 500, "\(plan)")
        }
    }

    @Test(
        "with leases that ran out is found by a look, and costs nothing while leases go on, in each order of their claims"
    )
    func lapsedLeasesAreAnnounced() async throws {
        try await TestOutbox.withOutbox { outbox in
            for number in 1...200 { try await outbox.registerEndpoint("e\(number)", timeout: "60 s", maxInFlight: 2) }
            try await outbox.registerEndpoint("short", timeout: "100 ms", maxInFlight: 2)
            for _ in 0..<3 { try await outbox.publish() }
            var watch = Watch(outbox.ownWorker(2))
            let claimed = try await outbox.ownWorker(1).claim(room: 2, slack: .zero)
            #expect(claimed.count == 402)
            try await outbox.wait(
                for: "SELECT min(lease_until) < clock_timestamp() FROM postrider.deliveries WHERE lease_by = 1")
            try await watch.look()
            #expect(try await outbox.number("SELECT postrider.keep_leases()") == 2)
            #expect(try await watch.look() == [201])
            #expect(try await outbox.ownWorker(2).claim().map(\.endpoint) == [201, 201])
            // It counts those that go on, and looks at the lane again when the next of them may have run out.
            #expect(try await outbox.number("SELECT sum(leased) FROM postrider.lanes") == 402)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.lanes WHERE lapse_at > now()") == 201)
            let plan = try await Plan.of("SELECT postrider.keep_leases()", on: outbox.connection)
            #expect(plan.buffers < 20, "\(plan)")
        }
    }
}
