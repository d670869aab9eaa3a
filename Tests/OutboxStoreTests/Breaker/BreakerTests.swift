import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The breaker of a lane", .timeLimit(.minutes(3)))
struct BreakerTests {
    /// What stands on the lane of `shop`, and what the people see.
    private func lane(_ outbox: TestOutbox) async throws -> [String?] {
        try await outbox.query(
            """
            SELECT h.state, l.closures, l.breaker_window, l.max_in_flight, l.leased,
                   CASE WHEN l.open_at > clock_timestamp() THEN round(extract(epoch FROM l.open_at - clock_timestamp())) END
            FROM postrider.lanes l JOIN postrider.endpoints e ON e.id = l.endpoint_id
            JOIN postrider.endpoint_health h ON h.endpoint = e.name WHERE e.name = 'shop'
            """
        ).rows.first ?? []
    }

    private func openLane(_ outbox: TestOutbox) async throws {
        try await outbox.query("UPDATE postrider.lanes SET open_at = clock_timestamp() WHERE open_at < 'infinity'")
    }

    @Test("closes it after five failures, sends one probe over all workers, and opens it step by step")
    func story() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.registerEndpoint("beside")
            try await outbox.publish(count: 60)
            let (one, other) = (outbox.ownWorker(), try await outbox.worker(2))
            for count in 1...5 {
                let claimed = try await one.claim([1], room: 1)
                #expect(claimed.count == 1)
                #expect(try await one.answer(claimed, 500) == (count == 5 ? ["failing shop"] : []))
            }
            #expect(try await lane(outbox) == ["failing", "1", "1", "1", "0", "5"])
            let closed = try await other.claimReporting([1])
            #expect(closed.deliveries.isEmpty && closed.reports[1]?.state == .closed)
            #expect(closed.reports[1]?.nextAt != .infinity)
            // It costs the endpoint beside it nothing.
            #expect(try await other.claim([2]).count == 60)

            try await openLane(outbox)
            let probe = try await one.claim([1])
            #expect(probe.count == 1)
            #expect(try await other.claim([1]).isEmpty)
            #expect(try await one.answer(probe, 500) == [])
            #expect(try await lane(outbox) == ["failing", "2", "1", "1", "0", "10"])

            try await openLane(outbox)
            #expect(try await one.answer(try await one.claim([1]), 200) == ["recovered shop"])
            var widths: [Int] = []
            while widths.count < 4 {
                let claimed = try await other.claim([1])
                widths.append(claimed.count)
                #expect(try await other.answer(claimed, 200) == [])
            }
            #expect(widths == [2, 4, 8, 16])
            #expect(try await lane(outbox) == ["active", "0", "32", "32", "0", nil])
            try await outbox.publish(count: 100)
            _ = try await other.answer(try await other.claim([1]), 200)
            _ = try await other.answer(try await other.claim([1]), 200)
            #expect(try await lane(outbox) == ["active", "0", nil, nil, "0", nil])
            let changes =
                "SELECT coalesce(from_state, '') || '>' || to_state FROM postrider.endpoint_changes WHERE endpoint = 'shop' ORDER BY id"
            #expect(try await outbox.column(changes) == [">active", "active>failing", "failing>active"])
            #expect(try await outbox.discrepancies() == [])
            await other.connection.close()
        }
    }

    @Test("follows the same rules as in Swift, whatever comes")
    func sameRules() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 400)
            let worker = outbox.ownWorker()
            var random = SeededGenerator(seed: 45)
            var model = Breaker()
            for turn in 0..<300 {
                try await openLane(outbox)
                let claimed = try await worker.claim([1], room: 1)
                // In spells, or it would never close.
                let isDown = turn / 25 % 2 == 0
                let status = Int.random(in: 0..<10, using: &random) == 0 ? 404 : isDown ? 500 : 200
                _ = try await worker.answer(claimed, status)
                if status == 500 { _ = model.struck(random: 0.5) } else { model.answered() }
                let kept = try await outbox.query(
                    """
                    SELECT l.closures, l.breaker_window, m.strikes FROM postrider.lanes l
                    JOIN postrider.endpoint_marks m USING (endpoint_id) WHERE l.endpoint_id = 1
                    """)
                #expect(
                    kept.rows == [["\(model.closures)", model.window.map { "\($0)" }, "\(model.strikes)"]],
                    "turn \(turn)")
                if claimed.isEmpty { try await outbox.elapseDelays() }
            }
        }
    }

    @Test("counts what was in flight when it closed, learns nothing from its failures, and opens by a success of it")
    func leftovers() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint(maxInFlight: 40)
            try await outbox.publish(count: 60)
            let (one, other) = (outbox.ownWorker(), try await outbox.worker(2))
            let first = try await one.claim([1], room: 20)
            let second = try await other.claim([1], room: 20)
            #expect(try await one.answer(first, 503) == ["failing shop"])
            #expect(try await lane(outbox) == ["failing", "1", "1", "1", "20", "5"])
            #expect(try await other.answer(Array(second.prefix(19)), 503) == [])
            #expect(try await lane(outbox) == ["failing", "1", "1", "1", "1", "5"])
            try await openLane(outbox)
            // One is in flight still: no probe beside it.
            #expect(try await one.claim([1]).isEmpty)
            #expect(try await other.answer(Array(second.suffix(1)), 200) == ["recovered shop"])
            #expect(try await lane(outbox) == ["active", "0", "2", "2", "0", nil])
            try await outbox.query("SELECT postrider.update_endpoint('shop', max_in_flight => 0)")
            #expect(try await lane(outbox).prefix(4) == ["active", "0", "2", "2"])
            await other.connection.close()
        }
    }

    @Test("burns no attempt by an answer that means later while it holds the endpoint, and does by others")
    func spares() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SELECT postrider.update_endpoint('shop', max_attempts => 1)")
            try await outbox.publish(count: 8)
            let worker = outbox.ownWorker()
            _ = try await worker.answer(try await worker.claim([1], room: 5), 503, .dead(.attemptsExhausted))
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 5)
            for attempt in 1...2 {
                try await openLane(outbox)
                let probe = try await worker.claim([1])
                #expect(probe.map(\.attemptInSchedule) == [1], "\(attempt)")
                #expect(try await worker.answer(probe, 503, .dead(.attemptsExhausted)) == ["spared 0"])
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 5)
            #expect(
                try await outbox.column("SELECT outcome FROM postrider.attempt_log ORDER BY started_at")
                    == Array(repeating: "dead", count: 5) + ["retry", "retry"])
            try await openLane(outbox)
            _ = try await worker.answer(try await worker.claim([1]), 500, .dead(.attemptsExhausted))
            #expect(try await outbox.number("SELECT count(*) FROM postrider.dead") == 6)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("leaves a lane alone where it is off, and lets go of it when it is switched off or the endpoint is resumed")
    func off() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SELECT postrider.update_endpoint('shop', breaker => 'off')")
            try await outbox.publish(count: 40)
            let worker = outbox.ownWorker()
            #expect(try await worker.answer(try await worker.claim([1], room: 10), 500) == [])
            #expect(try await lane(outbox) == ["active", "0", nil, nil, "0", nil])
            try await outbox.query("SELECT postrider.update_endpoint('shop', breaker => true)")
            #expect(try await worker.answer(try await worker.claim([1], room: 1), 500) == ["failing shop"])
            try await outbox.query("SELECT postrider.update_endpoint('shop', breaker => false)")
            #expect(try await lane(outbox) == ["active", "0", nil, nil, "0", nil])
            try await outbox.query("SELECT postrider.update_endpoint('shop', breaker => true)")
            _ = try await worker.answer(try await worker.claim([1], room: 5), 500)
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await lane(outbox) == ["active", "0", nil, nil, "0", nil])
        }
    }

    @Test("keeps closed for Retry-After, on any status, without failures and with the breaker off")
    func retryAfter() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SELECT postrider.update_endpoint('shop', breaker => false)")
            try await outbox.publish(count: 9)
            let worker = outbox.ownWorker()
            for (status, wait) in [(404, 70), (200, 80), (503, 90)] {
                _ = try await worker.answer(try await worker.claim([1], room: 1), status, wait: .seconds(wait))
                #expect(try await lane(outbox) == ["active", "0", nil, nil, "0", "\(wait)"])
                #expect(try await worker.claim([1]).isEmpty)
                #expect(
                    try await outbox.column("SELECT DISTINCT status FROM postrider.event_deliveries ORDER BY 1")
                        .contains("held") == false)
                try await openLane(outbox)
            }
            // An operator's pause outlasts it.
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            #expect(try await outbox.column("SELECT open_at FROM postrider.lanes") == ["infinity"])
        }
    }

    @Test("is walked by a worker that starts while it is closed, which learns when it opens")
    func walk() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.publish(count: 9)
            let worker = outbox.ownWorker()
            _ = try await worker.answer(try await worker.claim([1], room: 5), 500)
            let opens = try await worker.claimReporting([1]).reports[1]?.nextAt
            #expect(try await worker.walk().map(\.nextAt) == [try #require(opens)])
        }
    }
}

extension TestWorker {
    /// Settles deliveries as after an answer of this status; returns what is new.
    func answer(
        _ deliveries: [ClaimedDelivery], _ status: Int, _ outcome: Settlement.Outcome? = nil, wait: Duration = .zero
    ) async throws -> [String] {
        let usual: Settlement.Outcome = (200...299).contains(status) ? .delivered : .retry(after: .zero)
        let batch = deliveries.map { delivery in
            var settlement = Settlement(delivery, outcome ?? usual)
            settlement.startedAt = .now
            settlement.httpStatus = Int16(clamping: status)
            settlement.errorCode = (200...299).contains(status) ? nil : .httpStatus
            settlement.signal = EndpointSignal(after: .answered(status: status, retryAfter: []), now: 0)
            settlement.signal.pause = wait
            return settlement
        }
        guard !batch.isEmpty else { return [] }
        return try await connection.run(
            SettleDeliveries(worker: id, batch: batch, again: false, now: .now), deadline: TestOutbox.deadline
        ).map { row in
            switch row {
            case .stale(let id): "stale \(id)"
            case .left(let place): "left \(place)"
            case .spared(let place): "spared \(place)"
            case .news(let news): "\(news.kind.rawValue) \(news.endpoint)"
            }
        }
    }
}
