import Foundation
import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Names that another role has planted are never used: not by workers, not by commands, not by migrations.
    @Suite("Planted names", .timeLimit(.minutes(2))) struct PlantedNamesTests {
        enum Way: CaseIterable {
            case direct
            case throughPooler
        }

        @Test("are not used by migrations, workers and commands", arguments: Way.allCases)
        func unused(_ way: Way) async throws {
            if way == .throughPooler, !TestPooler.isInstalled { return }
            try await TestDatabase.withCluster { cluster in
                try await Self.plant(in: cluster)
                let pooled =
                    way == .throughPooler
                    ? try await TestPooler.start(for: cluster, poolSize: 8).url(database: "postgres") : nil
                try await Installation.with(url: cluster.url(), throughPooler: pooled) { installation in
                    // What the test itself asks is none of ours.
                    try await installation.connection.execute(
                        script: "SET search_path = pg_catalog", deadline: TestDatabase.deadline)
                    try await Self.work(installation)
                    #expect(try await installation.command("migrate").status == 0)
                }
                // The server's log holds each failure, also those that were caught.
                let log = try String(contentsOfFile: "\(cluster.directory)/server.log", encoding: .utf8)
                let uses = log.split(separator: "\n").filter { $0.contains("ERROR:") && $0.contains(Plant.trace) }
                #expect(uses.isEmpty, "\(uses.prefix(20))")
            }
        }

        private static func plant(in cluster: ThrowAwayCluster) async throws {
            let connection = try await TestDatabase.connect(to: PostgresConfiguration(cluster.url()))
            try await connection.execute(script: Plant.script, deadline: .seconds(60))
            try await connection.execute(
                script: """
                    CREATE ROLE w1 LOGIN;
                    ALTER DATABASE postgres SET search_path = planted, public, pg_catalog
                    """, deadline: TestDatabase.deadline)
            await connection.close()
        }

        /// Events with and without an ordering key to endpoints with limits, one of which refuses, and every command.
        private static func work(_ installation: Installation) async throws {
            let receiver = try ScriptedReceiver()
            try await installation.addEndpoint(
                "main", receiver.url(), "--max-in-flight", "5", "--rate-limit", "1000")
            try await installation.addEndpoint(
                "gone", "http://127.0.0.1:\(try LoopbackPort.free())/", "--retry-schedule", "10ms", "--max-attempts",
                "2", "--breaker", "off")
            try await installation.value("GRANT postrider_worker TO w1")
            let login = installation.url.replacing("postgres@", with: "w1@")
            let worker = try await installation.startWorker(settings: ["POSTRIDER_DATABASE_URL": login])
            try await installation.publish("some.event", 20)
            try await installation.value(
                """
                INSERT INTO postrider.outbox (event_type, payload, ordering_key, headers)
                SELECT 'some.event', '{}', 'k', '{"x-a": "b"}' FROM generate_series(1, 5)
                """)
            try await installation.waitForDelivered(25)
            try await eventually("dead letters") { try await installation.count("postrider.dead") == 25 }
            let letter = try #require(try await installation.value("SELECT min(id) FROM postrider.dead"))
            for command in commands {
                let ending = try await installation.executable.run(
                    command.map { $0 == "LETTER" ? letter : $0 }, settings: Installation.settings(installation.url))
                #expect(ending.status == 0, "\(command): \(ending.output)\(ending.errors)")
            }
            worker.send(SIGTERM)
            #expect(try await worker.status(within: .seconds(20)) == 0)
        }

        private static let commands = [
            ["status"], ["status", "--json"], ["endpoint", "list"], ["endpoint", "show", "main"],
            ["endpoint", "update", "main", "--timeout", "5s"], ["endpoint", "pause", "main"],
            ["event", "publish", "some.event", "--endpoint", "main"], ["event", "cancel", "26", "--yes"],
            ["endpoint", "resume", "main"], ["endpoint", "rotate-secret", "main", "--yes"],
            ["endpoint", "test", "main"], ["event", "list"], ["event", "show", "1"], ["dead-letter", "list"],
            ["dead-letter", "show", "LETTER"], ["dead-letter", "discard", "LETTER", "--why", "enough", "--yes"],
            ["dead-letter", "replay", "--endpoint", "gone", "--yes"], ["endpoint", "remove", "gone", "--yes"],
            ["doctor"],
        ]
    }
}
