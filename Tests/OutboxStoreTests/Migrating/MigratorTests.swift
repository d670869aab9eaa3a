import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The migrator", .timeLimit(.minutes(3)))
struct MigratorTests {
    private static let newest = Migration.all.map(\.version)

    @Test("takes an empty database to the newest schema, and then finds nothing to do")
    func migratesOnce() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let migrator = Migrator(connection)
            #expect(try await migrator.migrate().map(\.version) == Self.newest)
            #expect(try await migrator.migrate().isEmpty)
            #expect(try await applied(connection) == Self.newest)
            await connection.close()
        }
    }

    @Test("may run eight times at once: each migration is applied once, and everyone succeeds")
    func migratesConcurrently() async throws {
        try await TestDatabase.withDatabase { database in
            let done = try await withThrowingTaskGroup(of: [Int32].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let connection = try await database.connect()
                        let done = try await Migrator(connection).migrate().map(\.version)
                        await connection.close()
                        return done
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(done.sorted() == Self.newest)
            let connection = try await database.connect()
            #expect(try await applied(connection) == Self.newest)
            await connection.close()
        }
    }

    @Test(
        "refuses a schema that it does not know, and changes nothing",
        arguments: [
            (
                "UPDATE postrider.schema_migrations SET checksum = repeat('0', 64) WHERE version = 3",
                MigrationError.Code.changed
            ),
            (
                "INSERT INTO postrider.schema_migrations (version, name, checksum) VALUES (9999, 'later', '')",
                .schemaNewer
            ),
            ("DELETE FROM postrider.schema_migrations WHERE version = 2", .gap),
            ("DROP SCHEMA postrider CASCADE; CREATE SCHEMA postrider", .foreignSchema),
        ])
    func refuses(change: String, code: MigrationError.Code) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(change)
            let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'postrider'::regnamespace"
            let before = try await outbox.number(tables)
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(outbox.connection).migrate()
            }
            #expect(error?.code == code)
            #expect(try await outbox.number(tables) == before)
        }
    }

    @Test("writes a script that psql applies, and that leaves the migrator nothing to do")
    func writesScript() async throws {
        try await TestDatabase.withDatabase { database in
            let psql = try await PSQL.run(
                Migrator.script, at: database.url, options: ["--set", "ON_ERROR_STOP=1", "--single-transaction"])
            #expect(psql.status == 0, "\(psql.output)")
            let connection = try await database.connect()
            #expect(try await applied(connection) == Self.newest)
            #expect(try await Migrator(connection).migrate().isEmpty)
            await connection.close()
        }
    }

    private func applied(_ connection: PostgresConnection) async throws -> [Int32] {
        try await connection.query(
            "SELECT version FROM postrider.schema_migrations ORDER BY version", deadline: TestOutbox.deadline
        ).rows.compactMap { row in row.first.flatMap { $0 }.flatMap { Int32($0) } }
    }
}
