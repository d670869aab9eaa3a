import Inbox
import InboxStore
import Postgres
import TestSupport
import Testing

@Suite("What receiving costs", .timeLimit(.minutes(3))) struct ReceivingCostTests {
    private static let rows = 32

    private func batch(_ round: Int, body: Int = 500) -> [ReceivedWebhook] {
        (0..<Self.rows).map { number in
            ReceivedWebhook(
                madeUp: "msg_\(round)_\(number)", body: Array(repeating: UInt8(ascii: "x"), count: body))
        }
    }

    @Test("a request writes at most 950 bytes of log beyond its body")
    func bytes() async throws {
        try await TestOutbox.withOwnServer { outbox in
            try await outbox.addSource()
            try await outbox.withStore { (store) async throws in
                for round in 0..<10 { _ = try await store.receive(batch(round)) }
                let position = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
                let before = try await outbox.number(position)
                for round in 10..<60 { _ = try await store.receive(batch(round)) }
                let written = Double(try await outbox.number(position) - before) / Double(50 * Self.rows)
                print("bytes of log of a request with a body of 500: \(written)")
                #expect(written <= 1_450)
            }
        }
    }

    @Test("the server keeps the statement, where no pooler is between")
    func kept() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let session = PostgresSession(
                try PostgresConfiguration(outbox.database.url, applicationName: "receiver"), logger: .silent)
            for round in 0..<3 {
                _ = try await session.run(ReceiveWebhooks(batch(round)), deadline: TestOutbox.deadline)
            }
            let kept = PostgresQuery<Int64>(
                "SELECT count(*) FROM pg_prepared_statements p WHERE p.statement LIKE '%postrider.receive(%'")
            #expect(try await session.run(kept, deadline: TestOutbox.deadline) == [1])
            await session.close()
        }
    }

    @Test(
        "what has no correlation and becomes no event calls no other function; a duplicate costs one look at the ledger"
    )
    func steps() async throws {
        try await TestOutbox.withOwnServer { outbox in
            try await outbox.addSource()
            try await outbox.script("SET track_functions = 'all'")
            // Planned before anything is counted.
            for round in 0..<2 {
                _ = try await outbox.connection.run(ReceiveWebhooks(batch(round)), deadline: TestOutbox.deadline)
            }
            let first = try await counts(outbox)
            _ = try await outbox.connection.run(ReceiveWebhooks(batch(2)), deadline: TestOutbox.deadline)
            let stored = try await counts(outbox)
            _ = try await outbox.connection.run(ReceiveWebhooks(batch(2)), deadline: TestOutbox.deadline)
            let again = try await counts(outbox)
            #expect(stored.calls - first.calls == 1)
            #expect(stored.rows - first.rows == 3 * Int64(Self.rows))
            #expect(again.rows == stored.rows)
            #expect(again.looks - stored.looks == Int64(Self.rows))
        }
    }

    private struct Counts {
        /// Of functions of the schema.
        let calls: Int64
        /// Inserted into the tables of the inbox, and into the outbox.
        let rows: Int64
        /// Into the ledger.
        let looks: Int64
    }

    private func counts(_ outbox: TestOutbox) async throws -> Counts {
        // Handed in at the end of this statement.
        _ = try await outbox.connection.query("SELECT pg_stat_force_next_flush()", deadline: TestOutbox.deadline)
        return Counts(
            calls: try await outbox.number("SELECT coalesce(sum(f.calls), 0)::bigint FROM pg_stat_user_functions f"),
            rows: try await outbox.number(
                "SELECT sum(t.n_tup_ins)::bigint FROM pg_stat_user_tables t WHERE t.relname ~ '^(received|inbox|outbox)'"
            ),
            looks: try await outbox.number(
                "SELECT i.idx_scan FROM pg_stat_user_indexes i WHERE i.indexrelname = 'inbox_ids_pkey'"))
    }
}
