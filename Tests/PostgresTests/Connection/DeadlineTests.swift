import Glibc
import Postgres
import TestSupport
import Testing

@Suite("Deadlines and cancellation", .timeLimit(.minutes(2)))
struct DeadlineTests {
    @Test("end a statement on time, and the connection lives on")
    func deadline() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let elapsed = await ContinuousClock().measure {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.run(Sleep(seconds: 60), deadline: .milliseconds(100))
                }
                #expect(error?.code == .deadlineExceeded)
                #expect(error?.kind == .retry)
                #expect(error?.sqlState == .queryCanceled)
            }
            #expect(elapsed >= .milliseconds(100) && elapsed < .seconds(20))
            #expect(!connection.isClosed)
            #expect(try await connection.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            await connection.close()
        }
    }

    @Test("do not end statements that come later")
    func laterStatements() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            // Ends at about the time its cancel request goes out: that must not hit the next statement.
            for _ in 0..<30 {
                _ = try? await connection.run(Sleep(seconds: 0.02), deadline: .milliseconds(20))
                #expect(try await connection.run(Sleep(seconds: 0.005), deadline: TestDatabase.deadline).count == 1)
            }
            await connection.close()
        }
    }

    @Test("end a statement whose task is cancelled")
    func cancellation() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let task = Task { try await connection.run(Sleep(seconds: 60), deadline: .seconds(120)) }
            let watching = try await database.connect()
            try await Self.waitUntilActive(watching)
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await connection.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            await watching.close()
            await connection.close()
        }
    }

    @Test("end a statement that the server has not read yet when it is asked to cancel it")
    func earlyCancel() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            for _ in 0..<40 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.run(Sleep(seconds: 60), deadline: .microseconds(50))
                }
                #expect(error?.code == .deadlineExceeded)
            }
            #expect(!connection.isClosed)
            await connection.close()
        }
    }

    @Test("keep a task that is cancelled already from sending anything")
    func cancelledBefore() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await connection.execute(script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await connection.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
            }
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await connection.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await connection.close()
        }
    }

    @Test("end the wait for a busy connection")
    func waiting() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let busy = Task { try await connection.run(Sleep(seconds: 60), deadline: .seconds(120)) }
            let watching = try await database.connect()
            try await Self.waitUntilActive(watching)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(BackendPID(), deadline: .milliseconds(50))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.message.contains("nothing was sent") == true)
            let cancelled = Task { try await connection.run(BackendPID(), deadline: .seconds(120)) }
            cancelled.cancel()
            let second = await #expect(throws: PostgresError.self) { _ = try await cancelled.value }
            #expect(second?.code == .cancelled)
            busy.cancel()
            _ = try? await busy.value
            await watching.close()
            await connection.close()
        }
    }

    @Test("close a connection whose server does not answer any more")
    func frozenServer() async throws {
        try await TestDatabase.withDatabase { database in
            var configuration = try database.configuration()
            configuration.cancelGrace = .milliseconds(200)
            let connection = try await TestDatabase.connect(to: configuration)
            let pid = try #require(try await connection.run(BackendPID(), deadline: TestDatabase.deadline).first)
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(BackendPID(), deadline: .milliseconds(100))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.message.contains("unknown") == true)
            #expect(connection.isClosed)
            let later = await #expect(throws: PostgresError.self) {
                try await connection.run(BackendPID(), deadline: TestDatabase.deadline)
            }
            #expect(later?.code == .connectionClosed)
            #expect(later?.kind == .reconnect)
        }
    }

    @Test("leave a limit on those who wait")
    func limit() async throws {
        try await TestDatabase.withDatabase { database in
            var configuration = try database.configuration()
            configuration.waitingLimit = 3
            let connection = try await TestDatabase.connect(to: configuration)
            let busy = Task { try await connection.run(Sleep(seconds: 60), deadline: .seconds(120)) }
            let watching = try await database.connect()
            try await Self.waitUntilActive(watching)
            let codes = await withTaskGroup { group in
                for _ in 0..<5 {
                    group.addTask { () -> PostgresError.Code? in
                        do throws(PostgresError) {
                            _ = try await connection.run(BackendPID(), deadline: .seconds(120))
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                var codes: [PostgresError.Code?] = []
                for await code in group {
                    codes.append(code)
                    if codes.count == 2 { busy.cancel() }
                }
                return codes
            }
            #expect(codes == [.tooManyWaiting, .tooManyWaiting, nil, nil, nil])
            _ = try? await busy.value
            await watching.close()
            await connection.close()
        }
    }

    /// Waits until another session of the database runs a statement.
    private static func waitUntilActive(_ connection: PostgresConnection) async throws {
        let sql = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND wait_event = 'PgSleep'
            """
        while try await connection.query(sql, deadline: TestDatabase.deadline).first == "0" {
            await Task.yield()
        }
    }
}
