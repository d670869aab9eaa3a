import Postgres
import TestSupport
import Testing

@Suite("A transaction", .timeLimit(.minutes(2)))
struct TransactionTests {
    private struct Refusal: Error {}

    private func withNotes(_ body: (PostgresConnection, TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(
                script: "CREATE TABLE note (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
                deadline: TestDatabase.deadline)
            try await body(connection, database)
            await connection.close()
        }
    }

    @Test("commits what returns")
    func commits() async throws {
        try await withNotes { connection, _ in
            let count = try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                return try await transaction.run(CountNotes(), deadline: TestDatabase.deadline)
            }
            #expect(count == [1])
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [1])
        }
    }

    @Test("rolls back what throws")
    func rollsBack() async throws {
        try await withNotes { connection, _ in
            await #expect(throws: Refusal.self) {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                    throw Refusal()
                }
            }
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [0])
        }
    }

    @Test("says so when a swallowed error made it roll back")
    func swallowed() async throws {
        try await withNotes { connection, _ in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                    _ = try? await transaction.run(DivideByZero(), deadline: TestDatabase.deadline)
                }
            }
            #expect(error?.code == .transactionRolledBack)
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [0])
        }
    }

    @Test("that the server refuses to commit fails with the server's reason")
    func refusedCommit() async throws {
        try await withNotes { connection, _ in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                }
            }
            #expect(error?.code == .server)
            #expect(error?.sqlState == SQLState(rawValue: "23505"))
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [0])
        }
    }

    @Test("whose connection dies at the end has an unknown outcome")
    func unknownOutcome() async throws {
        try await withNotes { connection, database in
            let other = try await database.connect()
            // Checked at COMMIT, this trigger ends the very session that commits.
            try await other.execute(
                script: """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION die()
                    """, deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                }
            }
            #expect(error?.code == .commitOutcomeUnknown)
            #expect(error?.kind == .reconnect)
            #expect(connection.isClosed)
            #expect(try await other.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await other.close()
        }
    }

    @Test("has the connection for itself")
    func exclusive() async throws {
        try await withNotes { connection, _ in
            await withThrowingTaskGroup { group in
                for number in 0..<10 {
                    group.addTask {
                        try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                            try await transaction.execute(AddNote(id: Int32(number)), deadline: TestDatabase.deadline)
                            if number % 2 == 0 { throw Refusal() }
                        }
                    }
                    group.addTask {
                        _ = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
                    }
                }
                while let result = await group.nextResult() {
                    if case .failure(let error) = result { #expect(error is Refusal) }
                }
            }
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [5])
        }
    }

    @Test("of a cancelled task is rolled back, and the connection stays usable")
    func cancelled() async throws {
        try await withNotes { connection, _ in
            let (inside, entered) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                    try await transaction.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
                    entered.yield()
                    _ = try await transaction.run(Sleep(seconds: 60), deadline: .seconds(120))
                }
            }
            for await _ in inside { break }
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            let notes = try await connection.run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(notes == [0])
        }
    }
}
