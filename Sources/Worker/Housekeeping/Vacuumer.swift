import Logging
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// Vacuums the hot table every few seconds while it turns over. On a connection of its own: a vacuum takes longer than a
/// heartbeat may be late.
final class Vacuumer: Service {
    /// The named times and sizes.
    enum Limits {
        static let pause = Duration.seconds(5)
        static let deadline = Duration.seconds(5)
        static let vacuumDeadline = Duration.seconds(120)
        /// Below this many dead rows vacuuming is left to autovacuum.
        static let deadRows: Int64 = 20_000
    }

    private let session: PostgresSession
    private let log: Logger
    private let wakeup = Wakeup(label: "postrider.vacuumer")
    private let isStopping = Atomic(false)

    init(session: PostgresSession, log: Logger) {
        self.session = session
        self.log = log
    }

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            while !isStopping.load(ordering: .acquiring) {
                await vacuum()
                await wakeup.wait(atMost: Limits.pause)
            }
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            // A vacuum under way is not waited for: the server ends it with the connection.
            Task { await self.session.close() }
        }
    }

    private func vacuum() async {
        do throws(PostgresError) {
            let turn = try await session.run(Duties.takeVacuum(deadRows: Limits.deadRows), deadline: Limits.deadline)
            guard turn.first == true else { return }
            try await session.execute(Duties.vacuum, deadline: Limits.vacuumDeadline)
        } catch {
            guard !isStopping.load(ordering: .acquiring) else { return }
            log.log(.info, "vacuuming failed and is tried again", with: [.error: "\(error)"])
        }
    }
}
