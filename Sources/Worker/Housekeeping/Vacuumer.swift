import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What the vacuumer asks of the database.
protocol VacuumStore: LoopStore {
    /// Whether it is this worker's turn to vacuum, and worth it: there are more than `deadRows` dead rows.
    func takeVacuumDuty(deadRows: Int64) async throws(PostgresError) -> Bool
    func vacuum() async throws(PostgresError)
}

/// Vacuums the hot table every few seconds while it turns over. On a connection of its own: a vacuum takes longer than a
/// heartbeat may be late.
final class Vacuumer: Service {
    static let pause = Duration.seconds(5)
    /// Below this many dead rows vacuuming is left to autovacuum.
    static let deadRows: Int64 = 20_000

    private let parts: WorkerParts
    private let store: any VacuumStore
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, store: any VacuumStore) {
        self.parts = parts
        self.store = store
        wakeup = Wakeup(on: parts.time)
    }

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            while !isStopping.load(ordering: .acquiring) {
                await vacuum()
                await wakeup.wait(atMost: Self.pause)
            }
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            // A running vacuum is not waited for: the server ends it with the connection.
            Task { await self.store.close() }
        }
    }

    private func vacuum() async {
        do throws(PostgresError) {
            guard try await store.takeVacuumDuty(deadRows: Self.deadRows) else { return }
            try await store.vacuum()
        } catch {
            guard !isStopping.load(ordering: .acquiring) else { return }
            parts.log.log(.info, "vacuuming failed and is tried again", with: [.error: "\(error)"])
        }
    }
}
