import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A publication for all tables", .timeLimit(.minutes(2)))
struct PublicationTests {
    @Test("keeps no duty from being done, and no table from being changed")
    func duties() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script("CREATE PUBLICATION everything FOR ALL TABLES")
            try await outbox.registerEndpoint()
            try await outbox.script(
                """
                SELECT postrider.make_partition(parent, '2020-01-01') FROM unnest(ARRAY['outbox', 'attempts']) AS parent;
                INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status)
                VALUES (1, '2020-01-01 12:00Z', 1, 0, 'cancelled');
                INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker)
                VALUES (now() - interval '40 days', now() - interval '40 days', 1, 1, 1, 0, 1, 1, 1)
                """)
            try await outbox.publish()
            try await outbox.ownWorker().work(.delivered)
            #expect(try await outbox.number("SELECT postrider.ensure_partitions(9)") == 8)
            #expect(try await outbox.query("SELECT postrider.keep_retention()").first == "outbox_p20200101")
            #expect(try await outbox.query("SELECT postrider.keep_retention()").first == "attempts_p20200101")
            #expect(try await outbox.query("SELECT postrider.keep_retention()").first == nil)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.closed") == 0)
            #expect(try await outbox.number("SELECT postrider.keep_strays()") == 1)
            #expect(try await outbox.connection.run(RetentionChecks.withoutIdentity, deadline: .seconds(5)) == [])
        }
    }

    @Test("is told by a check when it publishes a table that cannot name its rows")
    func check() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(
                "ALTER TABLE postrider.closed REPLICA IDENTITY DEFAULT; CREATE PUBLICATION inserts FOR ALL TABLES WITH (publish = 'insert')"
            )
            let check = { () async throws in
                try await outbox.connection.run(RetentionChecks.withoutIdentity, deadline: .seconds(5))
            }
            #expect(try await check() == [])
            try await outbox.script("CREATE PUBLICATION everything FOR ALL TABLES")
            #expect(try await check() == ["closed"])
        }
    }
}
