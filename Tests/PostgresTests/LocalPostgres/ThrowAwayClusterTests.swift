import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import LocalPostgres

@Suite("A throw-away server", .serialized, .timeLimit(.minutes(2)))
struct ThrowAwayClusterTests {
    @Test("takes settings, and leaves nothing behind")
    func lifecycle() async throws {
        let cluster = try await ThrowAwayCluster.start(
            .init(isDurable: false, settings: ["work_mem": "5MB", "cluster_name": "it's mine"]))
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(cluster.url()), deadline: TestDatabase.deadline, logger: .silent)
        let settings = try await connection.query(
            "SELECT current_setting('work_mem'), current_setting('cluster_name'), current_setting('fsync'), current_setting('listen_addresses')",
            deadline: TestDatabase.deadline)
        #expect(settings.rows == [["5MB", "it's mine", "off", ""]])
        await cluster.remove()
        #expect(!FileManager.default.fileExists(atPath: cluster.directory))
        let error = await #expect(throws: PostgresError.self) {
            while true { _ = try await connection.query("SELECT 1", deadline: TestDatabase.deadline) }
        }
        #expect(error?.kind == .reconnect)
    }

    @Test("commits for good unless told otherwise")
    func durable() async throws {
        try await TestDatabase.withCluster(.init()) { cluster in
            let session = PostgresSession(try PostgresConfiguration(cluster.url()), logger: .silent)
            #expect(try await session.query("SHOW fsync", deadline: TestDatabase.deadline).first == "on")
            try await session.execute(script: "CREATE TABLE note (id int)", deadline: TestDatabase.deadline)
            try await cluster.restart(.immediate)
            // The first statement may find that the connection has ended.
            _ = try? await session.query("SELECT 1", deadline: TestDatabase.deadline)
            #expect(try await session.run(CountNotes(), deadline: TestDatabase.deadline) == [0])
            await session.close()
        }
    }

    @Test("prefers the newest version")
    func newest() {
        #expect(PostgresBinaries.newestFirst(["9.6", "15", "17", "8.4"]) == ["17", "15", "9.6", "8.4"])
    }

    @Test("says what to do where no server is installed")
    func missing() {
        let error = #expect(throws: LocalPostgresError.self) {
            try PostgresBinaries.find(path: "/nowhere", debianRoot: "/nowhere")
        }
        #expect(error?.description.contains("apt-get install postgresql") == true)
    }

    @Test("that cannot start says why")
    func refusesToStart() async throws {
        let error = await #expect(throws: LocalPostgresError.self) {
            _ = try await ThrowAwayCluster.start(.init(isDurable: false, settings: ["max_connections": "none"]))
        }
        #expect(error?.description.contains("max_connections") == true)
    }
}
