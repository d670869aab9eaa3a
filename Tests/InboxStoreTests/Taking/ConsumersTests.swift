import Inbox
import InboxStore
import Postgres
import TestSupport
import Testing

/// What a consumer does is written down in its own transaction, so that a row that was processed twice, or never, shows.
@Suite("Three consumers that are killed at random", .timeLimit(.minutes(3))) struct ConsumersTests {
    private static let keys = 12
    private static let batches = 60

    @Test("process each row once, those of a correlation in order, while more comes in")
    func once() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            let waits = Array(repeating: "1 ms", count: 64).joined(separator: ",")
            try await outbox.addSource("shop", "retry_schedule => '{\(waits)}'")
            try await outbox.query("CREATE TABLE public.ledger (turn bigserial, id bigint, correlation text)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2 { group.addTask { try await receive(number, outbox) } }
                for number in 0..<3 { group.addTask { try await consume(number, outbox) } }
                group.addTask { try await kill(outbox) }
                try await group.waitForAll()
            }
            let received = try await outbox.number("SELECT count(*) FROM postrider.inbox")
            #expect(received == Int64(2 * Self.batches * Self.keys))
            #expect(try await outbox.number("SELECT count(*) FROM public.ledger") == received)
            #expect(try await outbox.number("SELECT count(DISTINCT id) FROM public.ledger") == received)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox WHERE status <> 'done'") == 0)
            #expect(
                try await outbox.number(
                    """
                    SELECT count(*) FROM (
                        SELECT l.id < lag(l.id) OVER (PARTITION BY l.correlation ORDER BY l.turn) AS is_late FROM public.ledger l
                        WHERE l.correlation IS NOT NULL) o WHERE o.is_late
                    """) == 0)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox WHERE attempts > 1") > 0)
        }
    }

    /// Each receiver has keys of its own: what comes at the same moment has no order.
    private func receive(_ number: Int, _ outbox: TestOutbox) async throws {
        try await outbox.withStore { (store) async throws in
            for round in 0..<Self.batches {
                let batch = (0..<Self.keys).map { key in
                    ReceivedWebhook(
                        madeUp: "\(number) \(round) \(key)",
                        // A few keys that are hot, and some rows without one.
                        correlation: key < 3 ? nil : "\(number) \(key % 3)")
                }
                _ = try await store.receive(batch)
                // The sender did not hear the answer.
                if round.isMultiple(of: 7) { _ = try await store.receive(batch) }
            }
        }
    }

    private func consume(_ number: Int, _ outbox: TestOutbox) async throws {
        var generator = SeededGenerator(seed: UInt64(number))
        let end = ContinuousClock.now + .seconds(60)
        var connection: PostgresConnection?
        while ContinuousClock.now < end {
            do {
                if connection == nil { connection = try await connect(outbox) }
                if let connection, try await step(connection, &generator) { break }
            } catch is Abandoned {
                continue
            } catch let error as PostgresError {
                // Killed; a deadlock would be something else.
                #expect(error.sqlState != SQLState(rawValue: "40P01"), "\(error)")
                await connection?.close()
                connection = nil
            }
        }
        await connection?.close()
        #expect(ContinuousClock.now < end, "did not finish")
    }

    private struct Abandoned: Error {}

    private func connect(_ outbox: TestOutbox) async throws -> PostgresConnection {
        let connection = try await outbox.connect()
        _ = try await connection.query("SET application_name = 'consumer'", deadline: .seconds(5))
        return connection
    }

    /// - Returns: whether all is processed.
    private func step(_ connection: PostgresConnection, _ generator: inout SeededGenerator) async throws -> Bool {
        let (count, isAbandoned, dice) = (
            Int.random(in: 1...8, using: &generator), Int.random(in: 0..<12, using: &generator) == 0,
            Int.random(in: 0..<10, using: &generator)
        )
        let taken = try await connection.withTransaction(deadline: .seconds(5)) { (transaction) async throws in
            let ids = try await transaction.take(count)
            for (place, id) in ids.enumerated() {
                guard (place + dice) % 10 != 0 else {
                    try await transaction.fail(id)
                    continue
                }
                _ = try await transaction.query(
                    """
                    INSERT INTO public.ledger (id, correlation)
                    SELECT i.id, i.correlation FROM postrider.inbox i WHERE i.id = $1::bigint
                    """, ["\(id)"], deadline: .seconds(5))
                try await transaction.finish(id)
            }
            guard !isAbandoned else { throw Abandoned() }
            return ids.count
        }
        guard taken == 0 else { return false }
        let whole = "\(2 * Self.batches * Self.keys)"
        return try await connection.query(
            """
            SELECT (SELECT count(*) FROM postrider.received) = $1::int AND NOT EXISTS (SELECT FROM postrider.inbox_queue)
            FROM pg_sleep(0.001)
            """, [whole], deadline: .seconds(5)
        ).first == "t"
    }

    private func kill(_ outbox: TestOutbox) async throws {
        let connection = try await outbox.connect()
        for _ in 0..<40 {
            _ = try await connection.query(
                """
                SELECT pg_terminate_backend(a.pid) FROM (
                    SELECT s.pid FROM pg_stat_activity s
                    WHERE s.datname = current_database() AND s.application_name = 'consumer' ORDER BY random() LIMIT 1) a,
                    pg_sleep(0.02)
                """, deadline: .seconds(5))
        }
        await connection.close()
    }
}
