import InboxStore
import Logging
import OutboxStore
import Postgres
import ServiceLifecycle
import Telemetry
import Worker

/// Sees each second whether the login of the API can ask the database.
final class APIWatch: Service {
    static let loop = "api"
    static let pause = Duration.seconds(1)
    static let deadline = Duration.seconds(5)
    /// Longer than the statement of a turn may take.
    private static let silence = Duration.seconds(30)

    private let session: PostgresSession
    private let health: HealthState
    /// Whether another watch of this process says how the database is doing.
    private let isSecond: Bool
    private let log: Logger
    private let wallClock: @Sendable () -> Int64

    init(
        _ session: PostgresSession, health: HealthState, isSecond: Bool, log: Logger,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.session = session
        self.health = health
        self.isSecond = isSecond
        self.log = log
        self.wallClock = wallClock
        health.set(.apiUnreachable, true)
    }

    func run() async throws {
        health.watch(Self.loop, limit: Self.silence)
        defer { health.unwatch(Self.loop) }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                self.health.beat(Self.loop)
                await self.look()
                try? await Task.sleep(for: Self.pause)
            }
        }
        await session.close()
    }

    private func look() async {
        let before = wallClock()
        do throws(PostgresError) {
            guard let glance = try await session.run(ServerGlance.query, deadline: Self.deadline).first else { return }
            if !isSecond {
                health.set(.databaseReadOnly, glance.isReadOnly)
                health.set(.schemaMismatch, glance.schemaVersion != Migration.newest)
                health.set(.clockSkew, ClockSkew(before: before, database: glance.clock, after: wallClock()).isTooMuch)
                health.set(.starting, false)
            }
            if health.reasons.contains(.apiUnreachable) {
                health.set(.apiUnreachable, false)
                log.log(.notice, "the API is ready", with: [:])
            }
        } catch {
            guard error.code != .cancelled else { return }
            health.set(.apiUnreachable, true)
            log.log(.warning, "the API could not ask the database", with: [.error: "\(error)"])
        }
    }
}
