import Foundation
import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// The database is replaced, or another server takes over, while workers run.
    @Suite(.timeLimit(.minutes(2))) struct MovedDatabaseTests {
        @Test func afterTheSchemaWasReplacedNothingGoesWhereTheOldOneSentIt() async throws {
            try await Installation.with { installation in
                let old = try ScriptedReceiver()
                let new = try ScriptedReceiver()
                try await installation.addEndpoint("x", old.url("/x"))
                let worker = try await installation.startWorker()
                try await installation.publish("a.b", 1)
                try await installation.waitForDelivered(1)
                let id = try await installation.value("SELECT id FROM postrider.workers")
                try await installation.value("DROP SCHEMA postrider CASCADE")
                #expect(try await installation.command("migrate").status == 0)
                try await installation.addEndpoint("y", new.url("/y"))
                try await installation.publish("a.b", 5)
                try await installation.waitForDelivered(5)
                #expect(old.requests.count == 1)
                #expect(new.requests.count == 5)

                try await eventually("the worker is in the list", within: .seconds(10)) {
                    try await installation.count("postrider.workers") == 1
                }
                #expect(try await installation.value("SELECT id FROM postrider.workers") != id)
                #expect(worker.said.contains("does not know this worker any more"))
                try await installation.publish("a.b", 100, from: 6)
                try await installation.waitForDelivered(105)
                #expect(old.requests.count == 1)
                #expect(new.requests.count == 105)
                #expect(try await installation.count("postrider.unaccounted") == 0)
                try await worker.kill()
            }
        }

        @Test func workersFollowAPromotedServerAndNeverGoBack() async throws {
            try await TestDatabase.withCluster { primary in
                let receiver = try ScriptedReceiver()
                var standbys: [ThrowAwayCluster] = []
                try await Installation.with(url: primary.url()) { installation in
                    try await installation.addEndpoint("main", receiver.url())
                    let standby = try await ThrowAwayCluster.start(standbyOf: primary)
                    standbys.append(standby)
                    let both = "postgresql://postgres@/postgres?host=\(primary.directory),\(standby.directory)"
                    let worker = try await installation.startWorker(
                        settings: ["POSTRIDER_DATABASE_URL": "\(both)&target_session_attrs=read-write"])
                    try await installation.publish("a.b", 1)
                    try await installation.waitForDelivered(1)
                    let second = try await Server(standby.url())
                    try await eventually("the standby has it") {
                        try await second.count("postrider.event_deliveries WHERE status = 'delivered'") == 1
                    }
                    try await primary.stop(.immediate)
                    try await second.run("SELECT pg_promote()")
                    try await second.publish()
                    try await second.waitForDelivered(2)

                    // The old one comes back without a fence; all connections end, and it is the first in the list.
                    try await primary.start()
                    let first = try await Server(primary.url())
                    try await first.publish()
                    try await second.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'postrider'")
                    for number in 3...12 {
                        try await second.publish()
                        try await second.waitForDelivered(number)
                    }
                    #expect(try await first.count("postrider.event_deliveries WHERE status = 'pending'") == 1)
                    #expect(try await first.count("postrider.deliveries WHERE lease_by <> 0") == 0)
                    #expect(receiver.requests.count == 12)
                    #expect(Set(receiver.requests.compactMap { $0.header("webhook-id") }).count == 12)

                    try await standby.stop(.immediate)
                    try await eventually("it refuses the old server") { worker.said.contains("an old primary") }
                    #expect(try await first.count("postrider.deliveries WHERE lease_by <> 0") == 0)
                    #expect(worker.isRunning)
                    await first.close()
                    await second.close()
                    try await worker.kill()
                }
                for standby in standbys { await standby.remove() }
            }
        }

        @Test func anotherDefaultIsolationChangesNothing() async throws {
            try await TestDatabase.withCluster { cluster in
                try await Installation.with(url: cluster.url()) { installation in
                    let receiver = try ScriptedReceiver()
                    try await installation.addEndpoint("a", receiver.url("/a"), "--max-in-flight", "5")
                    try await installation.addEndpoint("b", receiver.url("/b"))
                    try await installation.value(
                        "ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'")
                    let pooler = try await TestPooler.start(for: cluster, poolSize: 8)
                    var workers = [
                        try await installation.startWorker("direct-1"), try await installation.startWorker("direct-2"),
                    ]
                    workers.append(
                        try await installation.startWorker(
                            "pooled", settings: ["POSTRIDER_DATABASE_URL": pooler.url(database: "postgres")]))
                    try await installation.value(
                        """
                        INSERT INTO postrider.outbox (event_type, payload, ordering_key)
                        SELECT 'a.b', '{}', 'key ' || n % 30 FROM generate_series(1, 600) AS n
                        """)
                    try await installation.waitForDelivered(1200)
                    #expect(receiver.requests.count == 1200)
                    for worker in workers {
                        #expect(!worker.said.contains("could not serialize") && !worker.said.contains("40001"))
                        try await worker.kill()
                    }
                }
            }
        }

        @Test func theHostsOfAServiceFileAreTriedInTurn() async throws {
            let cluster = try await TestCluster.shared.cluster()
            let silent = try SilentListener(address: "127.0.0.2", port: cluster.port)
            try await Installation.with { installation in
                let name = try await installation.value("SELECT current_database()") ?? ""
                let file = installation.executable.folder.appending(path: "services.conf")
                try Data(
                    """
                    [two]
                    host=127.0.0.2,127.0.0.1
                    port=\(cluster.port)
                    dbname=\(name)
                    user=postgres
                    connect_timeout=1
                    """.utf8
                ).write(to: file)
                let start = ContinuousClock.now
                let status = try await installation.command(
                    "status", settings: ["POSTRIDER_DATABASE_URL": "service=two", "PGSERVICEFILE": file.path])
                #expect(status.status == 0, "\(status.errors)")
                #expect((.seconds(1)...(.seconds(4))).contains(ContinuousClock.now - start))
            }
            _ = silent
        }
    }
}

/// A connection to one of several servers.
private struct Server {
    private let connection: PostgresConnection

    init(_ url: String) async throws {
        connection = try await TestDatabase.connect(to: PostgresConfiguration(url, applicationName: "test"))
    }

    func run(_ sql: String) async throws { _ = try await connection.query(sql, deadline: TestDatabase.deadline) }

    func publish() async throws {
        try await run("INSERT INTO postrider.outbox (event_type, payload) VALUES ('a.b', '{}')")
    }

    func count(_ source: String) async throws -> Int? {
        Int(try await connection.query("SELECT count(*) FROM \(source)", deadline: TestDatabase.deadline).first ?? "")
    }

    func waitForDelivered(_ count: Int) async throws {
        try await eventually("\(count) deliveries") {
            try await self.count("postrider.event_deliveries WHERE status = 'delivered'") == count
        }
    }

    func close() async { await connection.close() }
}
