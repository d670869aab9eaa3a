import Glibc
import LocalPostgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Everything works through a pooler in transaction mode.
    @Suite(.timeLimit(.minutes(1))) struct PgBouncerTests {
        @Test func workersAndCommandsGoThroughAPoolerInTransactionMode() async throws {
            try await TestDatabase.withCluster { cluster in
                try await TemporaryFolder.with { folder in
                    let pooler = try await PgBouncer.start(before: cluster, folder: folder)
                    try await Scene.with(url: cluster.url(), throughPooler: pooler.url) { scene in
                        let receiver = try ScriptedReceiver()
                        receiver.answer(next: [.status(500), .status(500)])
                        try await scene.addEndpoint("main", receiver.url(), "--retry-schedule", "100ms,100ms,100ms")
                        let workers = [try await scene.startWorker("first"), try await scene.startWorker("second")]
                        try await scene.publish("some.event", 300)
                        try await scene.waitForDelivered(300)
                        #expect(receiver.requests.count == 302)
                        #expect(Set(receiver.requests.map(AttemptToken.init)).count == 302)
                        #expect(try await scene.count("postrider.unaccounted") == 0)
                        #expect(try await scene.command("migrate").status == 0)
                        #expect(try await scene.command("status").status == 0)
                        for worker in workers {
                            worker.send(SIGTERM)
                            #expect(try await worker.status(within: .seconds(20)) == 0)
                        }
                    }
                    try await pooler.program.kill()
                }
            }
        }
    }
}
