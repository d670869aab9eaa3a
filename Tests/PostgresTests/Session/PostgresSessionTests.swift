import LocalPostgres
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite("A session", .timeLimit(.minutes(2)))
struct PostgresSessionTests {
    /// Counts what a session tells.
    private final class Counts: Sendable {
        private struct Numbers {
            var connected = 0
            var reconnected = 0
            var failed = 0
            var disconnected = 0
        }

        private let numbers = Mutex(Numbers())

        func add(_ event: PostgresSessionEvent) {
            numbers.withLock { numbers in
                switch event {
                case .connected(let isReconnect):
                    numbers.connected += 1
                    numbers.reconnected += isReconnect ? 1 : 0
                case .connectFailed: numbers.failed += 1
                case .disconnected: numbers.disconnected += 1
                }
            }
        }

        var connected: Int { numbers.withLock(\.connected) }
        var reconnected: Int { numbers.withLock(\.reconnected) }
        var failed: Int { numbers.withLock(\.failed) }
        var disconnected: Int { numbers.withLock(\.disconnected) }
    }

    @Test("connects again when it is to be renewed, and after a rest")
    func renewed() async throws {
        try await TestDatabase.withDatabase { database in
            let counts = Counts()
            let session = PostgresSession(try database.configuration(), logger: .silent, onEvent: counts.add)
            var pids = try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            pids += try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            session.renew()
            pids += try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            await session.rest()
            pids += try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            pids += try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            #expect(pids[0] == pids[1] && pids[3] == pids[4] && Set(pids).count == 3)
            #expect(counts.connected == 3)
            #expect(counts.disconnected == 0)
            await session.close()
        }
    }

    @Test("connects when it is needed, and once for all statements")
    func oneConnection() async throws {
        try await TestDatabase.withDatabase { database in
            let counts = Counts()
            let session = PostgresSession(try database.configuration(), logger: .silent, onEvent: counts.add)
            #expect(counts.connected == 0)
            var pids = Set(try await session.run(BackendPID(), deadline: TestDatabase.deadline))
            try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { try await session.run(BackendPID(), deadline: TestDatabase.deadline) }
                }
                for try await rows in group { pids.formUnion(rows) }
            }
            #expect(pids.count == 1)
            #expect(counts.connected == 1)
            #expect(counts.reconnected == 0)
            await session.close()
            let closed = await #expect(throws: PostgresError.self) {
                try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            }
            #expect(closed?.code == .connectionClosed)
        }
    }

    @Test("has a new connection after the server ended one in the midst of a statement")
    func terminated() async throws {
        try await TestDatabase.withDatabase { database in
            let counts = Counts()
            let session = PostgresSession(try database.configuration(), logger: .silent, onEvent: counts.add)
            let error = await #expect(throws: PostgresError.self) {
                try await session.query(
                    "SELECT pg_terminate_backend(pg_backend_pid())", deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == SQLState(rawValue: "57P01"))
            #expect(error?.kind == .reconnect)
            #expect(try await session.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            #expect(counts.reconnected == 1)
            #expect(counts.disconnected == 1)
            await session.close()
        }
    }

    @Test("notices an idle connection that has ended, and no statement fails for it")
    func idle() async throws {
        try await TestDatabase.withDatabase { database in
            let session = PostgresSession(try database.configuration(), logger: .silent)
            let connection = try await session.connection(until: .now + TestDatabase.deadline)
            let pid = try #require(try await session.run(BackendPID(), deadline: TestDatabase.deadline).first)
            let other = try await database.connect()
            _ = try await other.query("SELECT pg_terminate_backend(\(pid))", deadline: TestDatabase.deadline)
            while !connection.isClosed { await Task.yield() }
            let next = try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            #expect(next.count == 1 && next != [pid])
            await other.close()
            await session.close()
        }
    }

    @Test("keeps its connection after errors that are no fault of it")
    func keeps() async throws {
        try await TestDatabase.withDatabase { database in
            let session = PostgresSession(try database.configuration(), logger: .silent)
            let before = try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            await #expect(throws: PostgresError.self) {
                try await session.run(DivideByZero(), deadline: TestDatabase.deadline)
            }
            await #expect(throws: PostgresError.self) {
                try await session.run(Sleep(seconds: 60), deadline: .milliseconds(50))
            }
            #expect(try await session.run(BackendPID(), deadline: TestDatabase.deadline) == before)
            await session.close()
        }
    }

    @Test("gives up a connection to a server that has become read-only")
    func readOnly() async throws {
        try await TestDatabase.withDatabase { database in
            let counts = Counts()
            let session = PostgresSession(try database.configuration(), logger: .silent, onEvent: counts.add)
            try await session.execute(
                script: "CREATE TABLE note (id int); SET default_transaction_read_only = on",
                deadline: TestDatabase.deadline)
            let before = try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                try await session.execute(AddNote(id: 1), deadline: TestDatabase.deadline)
            }
            #expect(error?.sqlState == .readOnlySQLTransaction)
            #expect(try await session.run(BackendPID(), deadline: TestDatabase.deadline) != before)
            #expect(counts.disconnected == 1)
            await session.close()
        }
    }

    @Test("survives a crash of the server")
    func crash() async throws {
        try await TestDatabase.withCluster { cluster in
            let counts = Counts()
            let session = PostgresSession(
                try PostgresConfiguration(cluster.url()),
                backoff: Backoff(base: .milliseconds(5), cap: .milliseconds(20)),
                logger: .silent, random: { 1 }, onEvent: counts.add)
            let before = try await session.run(BackendPID(), deadline: TestDatabase.deadline)
            let sleeping = Task { try await session.run(Sleep(seconds: 60), deadline: .seconds(120)) }
            try await cluster.stop(.immediate)
            let lost = await #expect(throws: PostgresError.self) { _ = try await sleeping.value }
            #expect(lost?.kind == .reconnect)

            let during = await #expect(throws: PostgresError.self) {
                try await session.run(BackendPID(), deadline: .milliseconds(200))
            }
            #expect(during?.kind == .reconnect)
            #expect(during?.code == .connectFailed)
            #expect(counts.failed > 1, "it tries again until the deadline")

            let waiting = Task { try await session.run(BackendPID(), deadline: .seconds(60)) }
            try await cluster.start()
            let after = try await waiting.value
            #expect(after.count == 1 && after != before)
            #expect(counts.reconnected == 1)
            await session.close()
        }
    }

    @Test("gives up at once when trying again cannot help")
    func configuration() async throws {
        let cluster = try await TestCluster.shared.cluster()
        let counts = Counts()
        let session = PostgresSession(
            try PostgresConfiguration(cluster.url(database: "absent")), logger: .silent, onEvent: counts.add)
        let error = await #expect(throws: PostgresError.self) {
            try await session.run(BackendPID(), deadline: .seconds(600))
        }
        #expect(error?.sqlState == .undefinedDatabase)
        #expect(counts.failed == 1)
        await session.close()
    }

    @Test("refuses a second call while the first one connects, and ends when its task is cancelled")
    func secondCall() async throws {
        let silent = try SilentListener()
        let session = PostgresSession(
            try PostgresConfiguration("host=127.0.0.1 port=\(silent.port) dbname=x user=x connect_timeout=0"),
            logger: .silent)
        let connecting = Task { try await session.run(BackendPID(), deadline: .seconds(600)) }
        await silent.waitForClient()
        let second = await #expect(throws: PostgresError.self) {
            try await session.run(BackendPID(), deadline: .seconds(600))
        }
        #expect(second?.code == .tooManyWaiting)
        #expect(second?.kind == .retry)
        connecting.cancel()
        let ended = await #expect(throws: PostgresError.self) { _ = try await connecting.value }
        #expect(ended?.code == .cancelled)
        await session.close()
    }

    @Test("that is closed while it connects fails the call and keeps no connection")
    func closedWhileConnecting() async throws {
        let counts = Counts()
        let session = PostgresSession(
            try PostgresConfiguration("host=127.0.0.1 port=1 dbname=x user=x"),
            backoff: Backoff(base: .seconds(300), cap: .seconds(300)), logger: .silent, random: { 0.9 },
            onEvent: counts.add)
        let connecting = Task { try await session.run(BackendPID(), deadline: .seconds(600)) }
        while counts.failed == 0 { await Task.yield() }
        await session.close()
        let ended = await #expect(throws: PostgresError.self) { _ = try await connecting.value }
        #expect(ended?.code == .connectionClosed)
        #expect(counts.connected == 0)
    }
}
