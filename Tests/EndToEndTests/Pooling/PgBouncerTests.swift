import Glibc
import LocalPostgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Everything works through a pooler in transaction mode.
    @Suite(.timeLimit(.minutes(1))) struct PgBouncerTests {
        @Test func workersAndCommandsGoThroughAPoolerInTransactionMode() async throws {
            try await TestDatabase.withCluster { cluster in
                let pooler = try await TestPooler.start(for: cluster, poolSize: 8)
                let pooled = pooler.url(database: "postgres")
                try await Installation.with(url: cluster.url(), throughPooler: pooled) { installation in
                    let receiver = try ScriptedReceiver()
                    receiver.answer(next: [.status(500), .status(500)])
                    try await installation.addEndpoint(
                        "main", receiver.url(), "--retry-schedule", "100ms,100ms,100ms")
                    let workers = [
                        try await installation.startWorker("first"), try await installation.startWorker("second"),
                    ]
                    try await installation.publish("some.event", 300)
                    try await installation.waitForDelivered(300)
                    #expect(receiver.requests.count == 302)
                    #expect(Set(receiver.requests.map(\.attemptToken)).count == 302)
                    #expect(try await installation.count("postrider.unaccounted") == 0)
                    #expect(try await installation.command("migrate").status == 0)
                    #expect(try await installation.command("status").status == 0)
                    for worker in workers {
                        worker.send(SIGTERM)
                        #expect(try await worker.status(within: .seconds(20)) == 0)
                    }
                }
            }
        }
    }
}
