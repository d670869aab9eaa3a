import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A filter", .timeLimit(.minutes(3)))
struct FilterTests {
    private func shape(
        _ worker: TestWorker, _ events: [EventKey], _ filter: String, budget: Duration = .seconds(20)
    ) async throws(PostgresError) -> [ShapedEvent] {
        try await worker.connection.run(
            ShapeEvents(
                events, for: 1, filter: filter, transform: nil, budget: budget),
            deadline: TestOutbox.deadline)
    }

    private func reason(_ event: ShapedEvent) -> String? {
        if case .filtered(_, let why) = event.result { why } else { nil }
    }

    /// Numbers, texts and nesting at random, against the same rule in Swift.
    @Test("says of random payloads what its words mean", arguments: 1...3)
    func property(_ seed: UInt64) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            var generator = SeededGenerator(seed: seed)
            var expected: [Bool] = []
            for _ in 0..<60 {
                let total = Int.random(in: -200...200, using: &generator)
                let currency = ["EUR", "USD", "é\\\"", ""].randomElement(using: &generator) ?? ""
                let form = Int.random(in: 0..<5, using: &generator)
                let payload =
                    switch form {
                    case 0: #"{"total": \#(total), "currency": "\#(currency)"}"#
                    case 1: #"{"total": "\#(total)", "currency": "\#(currency)"}"#
                    case 2: #"{"currency": "\#(currency)"}"#
                    case 3: #"[{"total": \#(total), "currency": "\#(currency)"}]"#
                    default: "\(total)"
                    }
                // The lax mode of paths looks into an array.
                expected.append((form == 0 || form == 3) && total > 100 && currency == "EUR")
                try await outbox.publish("order.paid", payload)
            }
            let worker = outbox.ownWorker()
            let events = try await shape(
                worker, try await worker.claim().map(\.eventKey), #"$.total > 100 && $.currency == "EUR""#)
            #expect(events.map { reason($0) == nil } == expected)
            #expect(expected.contains(true))
        }
    }

    @Test("ends what it does not want as filtered, which is accounted for; a key goes on")
    func accounted() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for total in [1, 2, 300] { try await outbox.publish("order.paid", #"{"total": \#(total)}"#, key: "k") }
            let worker = outbox.ownWorker()
            for _ in 0..<2 {
                let claimed = try await worker.claim()
                let why = try #require(reason(try await shape(worker, claimed.map(\.eventKey), "$.total > 100")[0]))
                try await worker.settle(claimed, .filtered(why))
            }
            let last = try await worker.claim()
            #expect(reason(try await shape(worker, last.map(\.eventKey), "$.total > 100")[0]) == nil)
            try await worker.settle(last, .delivered)
            #expect(try await outbox.statuses() == ["1 shop filtered 0", "2 shop filtered 0", "3 shop delivered 1"])
            let reasons = "SELECT DISTINCT reason FROM postrider.event_deliveries WHERE status = 'filtered'"
            #expect(try await outbox.column(reasons) == ["the filter is not true"])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.attempt_log") == 1)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("says of what it cannot be asked that it cannot be asked")
    func unaskable() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
            for payload in [#"{"a": "\u0000"}"#, #"{"a": 1e999999}"#, deep, #"{"a": 1}"#] {
                // What is too deep for json itself is refused where it is published.
                _ = try? await outbox.publish("order.paid", payload)
            }
            try await outbox.query("INSERT INTO postrider.outbox (event_type, body) VALUES ('order.paid', '<a/>')")
            let worker = outbox.ownWorker()
            let events = try await shape(worker, try await worker.claim().map(\.eventKey), "$.a == 1")
            #expect(
                events.filter { reason($0)?.hasPrefix("the filter cannot be asked: ") == true }.count == events.count
                    - 1)
            #expect(events.count(where: { reason($0) == nil }) == 1)
            // One that came into the table by another way.
            for broken in ["$.a >", "$.a == $x"] {
                let events = try await shape(worker, events.map(\.key), broken)
                #expect(!events.contains { if case .passed = $0.result { true } else { false } }, "\(broken)")
            }
        }
    }

    @Test("that takes long leaves the rest to the next statement, and is ended by the time limit")
    func slow() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let nested = String(repeating: #"{"a":["#, count: 60) + "1" + String(repeating: "]}", count: 60)
            for _ in 0..<4 { try await outbox.publish("order.paid", nested) }
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim()
            #expect(try await shape(worker, claimed.map(\.eventKey), "$.total > 100", budget: .zero).count == 1)
            let hostile = "exists($.**.**.**.** ? (@ == 2))"
            let error = await #expect(throws: PostgresError.self) {
                try await worker.connection.withTransaction(deadline: TestOutbox.deadline) { transaction in
                    try await transaction.execute(
                        script: "SET LOCAL statement_timeout = 100", deadline: TestOutbox.deadline)
                    _ = try await transaction.run(
                        ShapeEvents(
                            claimed.map(\.eventKey), for: 1, filter: hostile, transform: nil, budget: .seconds(1)),
                        deadline: TestOutbox.deadline)
                }
            }
            #expect(error?.sqlState == .queryCanceled)
        }
    }
}
