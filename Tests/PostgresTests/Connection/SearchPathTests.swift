import Postgres
import TestSupport
import Testing

@Suite("Search path", .timeLimit(.minutes(1))) struct SearchPathTests {
    private static let path = PostgresQuery<String>("SELECT pg_catalog.current_setting('search_path')")
    private static let pinned = "pg_catalog, pg_temp"
    private static let deadline = TestDatabase.deadline

    private func withConnection(_ body: (PostgresConnection) async throws -> Void) async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(
                script: """
                    CREATE SCHEMA planted; CREATE TABLE planted.calls ();
                    CREATE FUNCTION planted.cardinality(bigint[]) RETURNS int LANGUAGE sql AS 'SELECT -1';
                    SET search_path = planted, pg_catalog
                    """, deadline: Self.deadline)
            try await body(connection)
            await connection.close()
        }
    }

    @Test("is set for each statement, pipeline and transaction, and no longer")
    func isSet() async throws {
        try await withConnection { (connection) async throws in
            #expect(try await connection.run(Self.path, deadline: Self.deadline) == [Self.pinned])
            let (first, second) = try await connection.pipeline(Self.path, Self.path, deadline: Self.deadline)
            #expect([first, second] == [[Self.pinned], [Self.pinned]])
            let within = try await connection.withTransaction(deadline: Self.deadline) {
                try await $0.run(Self.path, deadline: Self.deadline)
            }
            #expect(within == [Self.pinned])
            #expect(try await connection.run(Self.path.qualified, deadline: Self.deadline) == ["planted, pg_catalog"])
            #expect(try await connection.execute(Self.path, deadline: Self.deadline) == 1)
        }
    }

    @Test("keeps a planted function from being called, with the isolation set too")
    func keepsOut() async throws {
        try await withConnection { (connection) async throws in
            let count = PostgresQuery<Int32>("SELECT cardinality($1::bigint[])", [Int64(7)])
            #expect(try await connection.run(count.qualified, deadline: Self.deadline) == [-1])
            #expect(try await connection.run(count, deadline: Self.deadline) == [1])
            connection.sayReadCommitted()
            #expect(try await connection.run(count, deadline: Self.deadline) == [1])
        }
    }

    @Test("a statement that fails behind it fails as itself, and the next one works")
    func failure() async throws {
        try await withConnection { (connection) async throws in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(PostgresQuery<Int32>("SELECT 1 / 0"), deadline: Self.deadline)
            }
            #expect(error?.sqlState?.rawValue == "22012")
            #expect(try await connection.run(Self.path, deadline: Self.deadline) == [Self.pinned])
        }
    }

    @Test("VACUUM runs alone")
    func vacuum() async throws {
        try await withConnection { (connection) async throws in
            let vacuum = PostgresQuery<Void>("VACUUM planted.calls")
            try await connection.execute(vacuum.qualified, deadline: Self.deadline)
            await #expect(throws: PostgresError.self) {
                try await connection.execute(vacuum, deadline: Self.deadline)
            }
        }
    }
}
