import Postgres
import TestSupport
import Testing

@Suite("A frequent statement", .timeLimit(.minutes(2)))
struct KeptStatementTests {
    private func withConnection(_ body: (PostgresConnection) async throws -> Void) async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await body(connection)
            await connection.close()
        }
    }

    @Test("is kept by the server under one name, also behind statements that go ahead")
    func kept() async throws {
        try await withConnection { (connection) async throws in
            for value in 1...4 {
                let next = try await connection.run(Successor(value: Int32(value)), deadline: TestDatabase.deadline)
                #expect(next == [Int32(value + 1)])
            }
            connection.sayReadCommitted()
            #expect(try await connection.run(Successor(value: 9), deadline: TestDatabase.deadline) == [10])
            #expect(try await connection.run(KeptStatements(), deadline: TestDatabase.deadline) == [1])
        }
    }

    @Test("that fails leaves the connection usable, and what it fails with is its own error")
    func failure() async throws {
        try await withConnection { (connection) async throws in
            for _ in 0..<3 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.run(Successor(value: .max), deadline: TestDatabase.deadline)
                }
                #expect(error?.sqlState == SQLState(rawValue: "22003"))
            }
            #expect(try await connection.run(Successor(value: 1), deadline: TestDatabase.deadline) == [2])
            #expect(try await connection.run(KeptStatements(), deadline: TestDatabase.deadline) == [1])
        }
    }

    @Test("fails once when another result was made of it, and works again")
    func changed() async throws {
        try await withConnection { (connection) async throws in
            let make = "CREATE FUNCTION public.answer() RETURNS %@ LANGUAGE sql RETURN 7"
            func change(to type: String) async throws {
                try await connection.execute(
                    script: "DROP FUNCTION IF EXISTS public.answer();" + make.replacing("%@", with: type),
                    deadline: TestDatabase.deadline)
            }
            try await change(to: "int")
            for _ in 0..<3 { #expect(try await connection.run(Answer(), deadline: TestDatabase.deadline) == [7]) }
            try await change(to: "bigint")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(Answer(), deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == .featureNotSupported)
            #expect(try await connection.run(Answer(), deadline: TestDatabase.deadline) == [7])
        }
    }

    @Test("that the server has lost has the session make another connection, which keeps nothing")
    func lost() async throws {
        try await TestDatabase.withDatabase { database in
            let session = PostgresSession(try database.configuration(), logger: .silent)
            for _ in 0..<2 {
                _ = try await session.run(Successor(value: 1), deadline: TestDatabase.deadline)
            }
            try await session.execute(script: "DEALLOCATE ALL", deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                _ = try await session.run(Successor(value: 1), deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == .invalidStatementName)
            for _ in 0..<2 {
                #expect(try await session.run(Successor(value: 1), deadline: TestDatabase.deadline) == [2])
            }
            #expect(try await session.run(KeptStatements(), deadline: TestDatabase.deadline) == [0])
            await session.close()
        }
    }

    /// As behind a pooler that hides itself, on whose session another client has kept the same.
    @Test("whose name is taken has the session make another connection, which keeps nothing")
    func taken() async throws {
        try await TestDatabase.withDatabase { database in
            let session = PostgresSession(try database.configuration(), logger: .silent)
            let successor = Successor(value: 1)
            for _ in 0..<2 { _ = try await session.run(successor, deadline: TestDatabase.deadline) }
            let names = try await session.query(
                "SELECT name FROM pg_prepared_statements", deadline: TestDatabase.deadline)
            let name = try #require(names.first)
            await session.rest()
            try await session.execute(script: "PREPARE \(name) AS SELECT 2", deadline: TestDatabase.deadline)
            // The first one asks, the second one is to be kept.
            _ = try await session.run(successor, deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                _ = try await session.run(successor, deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == .duplicatePreparedStatement)
            for _ in 0..<2 {
                #expect(try await session.run(successor, deadline: TestDatabase.deadline) == [2])
            }
            #expect(try await session.run(KeptStatements(), deadline: TestDatabase.deadline) == [0])
            await session.close()
        }
    }

    private struct Answer: PostgresStatement {
        let sql = "SELECT public.answer()"
        let isFrequent = true
        func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 {
            if let small = try? row.column(0, as: Int32.self) { return Int64(small) }
            return try row.column(0)
        }
    }
}
