import LocalPostgres
import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A load of data alone", .timeLimit(.minutes(3)))
struct DataOnlyLoadTests {
    private let ids = "SELECT postrider.webhook_id(created_at, id) FROM postrider.outbox ORDER BY id"

    @Test("with triggers off keeps every event, its id and its deliveries, and repairs nothing")
    func load() async throws {
        let cluster = try await TestCluster.shared.cluster()
        try await TestOutbox.withOutbox { source in
            try await source.registerEndpoint()
            for number in 1...6 {
                _ = try await source.query(
                    "INSERT INTO postrider.outbox (event_type, payload, idempotency_key) VALUES ('a.b', '1', $1)",
                    number < 5 ? "key \(number)" : nil)
            }
            try await source.ownWorker().settle([source.ownWorker().claim(room: 2)[0]], .dead(.attemptsExhausted))
            try await TestDatabase.withDatabase { database in
                let target = TestOutbox(database: database, connection: try await database.connect())
                _ = try await Migrator(target.connection).migrate()
                try await target.query("TRUNCATE postrider.settings, postrider.duties, postrider.schema_migrations")
                let dump =
                    "pg_dump --data-only --schema=postrider --disable-triggers --load-via-partition-root '\(source.database.url)'"
                try await cluster.run(
                    ["sh", "-c", "\(dump) | psql -X -q -v ON_ERROR_STOP=1 --single-transaction -d '\(database.url)'"])
                let migrator = Migrator(target.connection)
                #expect(try await migrator.migrate().isEmpty)
                let tag = try await source.column("SELECT installation FROM postrider.settings").first ?? nil
                #expect(try await migrator.putBackRows() == ["installation \(tag ?? "")"])
                #expect(try await migrator.putBackRows() == [])
                #expect(try await target.column(ids) == source.column(ids))
                #expect(try await target.statuses() == source.statuses())
                #expect(try await target.column("SELECT 1 FROM postrider.unaccounted") == [])
                let books = try await target.connection.run(BookChecks.books, deadline: TestOutbox.deadline)
                #expect(books == [BookCheck(tag: tag, tagInIDs: tag ?? "")])
                // The sequences came along.
                #expect(try await target.publish() == 7)
                await target.connection.close()
            }
        }
    }
}
