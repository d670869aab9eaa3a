import Postgres
import TestSupport
import Testing

@Suite("A pipeline", .timeLimit(.minutes(2)))
struct PipelineTests {
    @Test("gives the rows of each statement")
    func rows() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let (_, echo, count) = try await connection.pipeline(
                AddNote(id: 1), Echo(value: "between"), CountNotes(), deadline: TestDatabase.deadline)
            #expect(echo.first?.value == "between")
            #expect(count == [1])
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [1])
            await connection.close()
        }
    }

    @Test("with an error in its midst has no effect, and leaves the connection usable")
    func error() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                _ = try await connection.pipeline(
                    AddNote(id: 1), DivideByZero(), AddNote(id: 2), deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == SQLState(rawValue: "22012"))
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await connection.close()
        }
    }

    @Test("with a transaction of its own that fails leaves none open")
    func ownTransaction() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            _ = try await connection.pipeline(Begin(), AddNote(id: 1), Commit(), deadline: TestDatabase.deadline)
            await #expect(throws: PostgresError.self) {
                _ = try await connection.pipeline(
                    Begin(), AddNote(id: 2), DivideByZero(), Commit(), deadline: TestDatabase.deadline)
            }
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [1])
            await connection.close()
        }
    }

    @Test("that cannot be encoded is not sent at all")
    func unencodable() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                _ = try await connection.pipeline(
                    AddNote(id: 1), Echo(value: Duration.seconds(Int64.max)), deadline: TestDatabase.deadline)
            }
            #expect(error?.code == .invalidParameter)
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await connection.close()
        }
    }

    private struct Begin: PostgresStatement {
        let sql = "BEGIN"
        func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
    }

    private struct Commit: PostgresStatement {
        let sql = "COMMIT"
        func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
    }

    @Test("of a transaction is one round trip, and says which statement failed")
    func batch() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let before = await connection.roundTrips
            try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                try await transaction.run(each: (1...50).map { AddNote(id: $0) }, deadline: TestDatabase.deadline)
                let echoes = try await transaction.run(
                    each: ["a", "b"].map { Echo(value: $0) }, deadline: TestDatabase.deadline)
                #expect(echoes.map { $0.map(\.value) } == [["a"], ["b"]])
            }
            // With BEGIN and COMMIT.
            #expect(await connection.roundTrips - before == 4)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.run(
                        each: [60, 61, 7, 62].map { AddNote(id: $0) }, deadline: TestDatabase.deadline)
                }
            }
            #expect(error?.statement == 2 && error?.sqlState == SQLState(rawValue: "23505"))
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [50])
            await connection.close()
        }
    }
}
