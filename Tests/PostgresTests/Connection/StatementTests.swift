import Postgres
import TestSupport
import Testing

@Suite("Statements on a connection", .timeLimit(.minutes(2)))
struct StatementTests {
    @Test("say how many rows they touched")
    func affectedRows() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            #expect(try await connection.execute(AddNote(id: 1), deadline: TestDatabase.deadline) == 1)
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [1])
            #expect(try await connection.execute(CountNotes(), deadline: TestDatabase.deadline) == 1)
            await connection.close()
        }
    }

    @Test("fail with SQLSTATE, constraint and kind, and without data of rows")
    func serverError() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(
                script: "CREATE TABLE note (id int CONSTRAINT one_each UNIQUE)", deadline: TestDatabase.deadline)
            try await connection.execute(AddNote(id: 4711), deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(AddNote(id: 4711), deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == SQLState(rawValue: "23505"))
            #expect(error?.kind == .data)
            #expect(error?.report?.constraint == "one_each")
            #expect(error?.report?.table == "public.note")
            #expect(error?.report?.detail?.contains("4711") == true)
            #expect(error?.description.contains("4711") == false)
            #expect(error?.description.contains("database \(database.name) at ") == true)

            let missing = await #expect(throws: PostgresError.self) {
                try await connection.query("SELECT * FROM absent", deadline: TestDatabase.deadline)
            }
            #expect(missing?.sqlState == .undefinedTable)
            #expect(missing?.kind == .configuration)
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [1])
            await connection.close()
        }
    }

    @Test("of tools take and give text")
    func text() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let table = try await connection.query(
                "SELECT $1::int + 1 AS sum, $2::text AS word, now() IS NULL AS flag", ["41", nil],
                deadline: TestDatabase.deadline)
            #expect(table.columns == ["sum", "word", "flag"])
            #expect(table.rows == [["42", nil, "f"]])
            #expect(table.first == "42")
            #expect(table.values("flag") == ["f"])
            #expect(table.commandTag == "SELECT 1")
            let zero = await #expect(throws: PostgresError.self) {
                try await connection.query("SELECT $1::text", ["a\0b"], deadline: TestDatabase.deadline)
            }
            #expect(zero?.code == .invalidParameter)
            await connection.close()
        }
    }

    @Test("of a script take effect together, or not at all")
    func script() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let last = try await connection.execute(
                script: "CREATE TABLE note (id int); INSERT INTO note VALUES (1), (2); SELECT id FROM note ORDER BY id",
                deadline: TestDatabase.deadline)
            #expect(last.rows == [["1"], ["2"]])
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(script: "DELETE FROM note; SELECT 1/0", deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == SQLState(rawValue: "22012"))
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [2])
            await connection.close()
        }
    }

    @Test("that would leave a transaction open do not")
    func strayTransaction() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int)", deadline: TestDatabase.deadline)
            try await connection.execute(script: "BEGIN; INSERT INTO note VALUES (1)", deadline: TestDatabase.deadline)
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await connection.close()
        }
    }

    @Test("that copy are refused, and end the connection")
    func copy() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(script: "COPY pg_class TO STDOUT", deadline: TestDatabase.deadline)
            }
            #expect(error?.code == .unexpectedResult)
            #expect(connection.isClosed)
        }
    }

    @Test("too large for the socket are written bit by bit, both ways")
    func large() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let bytes = [UInt8](repeating: 7, count: 20_000_000)
            let rows = try await connection.run(Echo(value: bytes), deadline: TestDatabase.deadline)
            #expect(rows.first?.value.count == bytes.count)
            #expect(rows.first?.value == bytes)
            await connection.close()
        }
    }

    @Test("of many tasks are answered each to its own")
    func concurrent() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask {
                        let rows = try await connection.run(Echo(value: number), deadline: TestDatabase.deadline)
                        return rows.first?.value == number
                    }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
            await connection.close()
        }
    }
}
