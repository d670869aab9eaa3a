import LocalPostgres
import Logging
import Postgres
import TestSupport
import Testing

@Suite(
    "Through a pooler in transaction mode", .enabled(if: TestPooler.isInstalled, "PgBouncer is not installed"),
    .serialized,
    .timeLimit(.minutes(2)))
struct PoolerTests {
    private func withConnections(
        _ count: Int, _ body: ([PostgresConnection], ThrowAwayCluster) async throws -> Void
    ) async throws {
        try await TestDatabase.withCluster { cluster in
            let pooler = try await TestPooler.start(for: cluster, poolSize: 2)
            let configuration = try PostgresConfiguration(pooler.url(database: "postgres"))
            var connections: [PostgresConnection] = []
            for _ in 0..<count {
                connections.append(
                    try await PostgresConnection.connect(
                        configuration, deadline: TestDatabase.deadline, logger: .silent))
            }
            try await body(connections, cluster)
            for connection in connections { await connection.close() }
        }
    }

    @Test("statements, pipelines and transactions of many share few sessions")
    func shares() async throws {
        try await withConnections(6) { connections, _ in
            try await connections[0].execute(
                script: "CREATE TABLE note (id int UNIQUE)", deadline: TestDatabase.deadline)
            let pids = try await withThrowingTaskGroup { group in
                for (number, connection) in connections.enumerated() {
                    group.addTask { try await Self.work(on: connection, number: number) }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.formUnion($1) }
            }
            #expect(pids.count <= 2)
            let count = try await connections[5].run(CountNotes(), deadline: TestDatabase.deadline)
            #expect(count == [6 * 20 * 2])
            // Else the next connection of another client would meet them, or miss them.
            let kept = try await connections[5].run(KeptStatements(), deadline: TestDatabase.deadline)
            #expect(kept == [0])
        }
    }

    private static func work(on connection: PostgresConnection, number: Int) async throws -> Set<Int32> {
        var pids: Set<Int32> = []
        for round in 0..<20 {
            let id = Int32(number * 1000 + round * 2)
            let rows = try await connection.run(Echo(value: id), deadline: TestDatabase.deadline)
            #expect(rows.first?.value == id)
            let next = try await connection.run(Successor(value: id), deadline: TestDatabase.deadline)
            #expect(next == [id + 1])
            let (_, pid) = try await connection.pipeline(
                AddNote(id: id), BackendPID(), deadline: TestDatabase.deadline)
            pids.formUnion(pid)
            try await connection.withTransaction(deadline: TestDatabase.deadline) { transaction in
                try await transaction.execute(AddNote(id: id + 1), deadline: TestDatabase.deadline)
            }
        }
        return pids
    }

    @Test("a deadline cancels the statement, and the connection lives on")
    func deadline() async throws {
        try await withConnections(1) { connections, _ in
            let error = await #expect(throws: PostgresError.self) {
                try await connections[0].run(Sleep(seconds: 60), deadline: .milliseconds(100))
            }
            #expect(error?.code == .deadlineExceeded)
            let pid = try await connections[0].run(BackendPID(), deadline: TestDatabase.deadline)
            #expect(pid.count == 1)
        }
    }

    @Test("a crash of the server behind it is an error that says reconnect")
    func crash() async throws {
        try await withConnections(1) { connections, cluster in
            _ = try await connections[0].run(BackendPID(), deadline: TestDatabase.deadline)
            try await cluster.restart(.immediate)
            // The pooler may have noticed, or hand us the dead session.
            do {
                _ = try await connections[0].run(BackendPID(), deadline: TestDatabase.deadline)
            } catch let error as PostgresError {
                #expect(error.kind == .reconnect)
            }
        }
    }
}
