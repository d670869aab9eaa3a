import Inbox
import InboxStore
import Logging
import OutboxStore
import Postgres
import ServiceLifecycle
import Telemetry
import Worker

/// Reads the sources each second, and sees whether the database can be written to.
///
/// While the database is away, what was read last counts: requests are still refused where they must be, and the others are
/// answered with 503.
final class SourceWatch: Service {
    static let loop = "sources"
    static let pause = Duration.seconds(1)
    /// Longer than the statements of a turn may take.
    private static let silence = Duration.seconds(30)

    private let book: SourceBook
    private let opening: SourceOpening
    private let store: any SourceStore
    private let health: HealthState
    private let log: Logger
    private let wallClock: @Sendable () -> Int64

    init(
        _ book: SourceBook, opening: SourceOpening, store: any SourceStore, health: HealthState, log: Logger,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.book = book
        self.opening = opening
        self.store = store
        self.health = health
        self.log = log
        self.wallClock = wallClock
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
        await store.close()
    }

    /// One turn.
    func look() async {
        do throws(PostgresError) {
            let stored = try await store.sources()
            let before = wallClock()
            if let glance = try await store.glance() {
                health.set(.databaseReadOnly, glance.isReadOnly)
                health.set(.schemaMismatch, glance.schemaVersion != Migration.newest)
                health.set(
                    .clockSkew, ClockSkew(before: before, database: glance.clock, after: wallClock()).isTooMuch)
            }
            let unusable = book.update(stored, now: .now) { one throws(UnusableSource) in try opening.open(one) }
            for (name, why) in unusable {
                log.log(
                    .error, "a source cannot be used; its requests are answered with 503",
                    with: [.source: "\(name)", .error: "\(why)"])
            }
            health.set(.databaseUnreachable, false)
            health.set(.schemaMissing, false)
            if health.reasons.contains(.starting) {
                health.set(.starting, false)
                log.log(.notice, "the inbox is ready", with: [.count: "\(stored.count)"])
            }
        } catch {
            guard error.code != .cancelled else { return }
            let isMissing = ["42P01", "3F000", "42883"].contains(error.sqlState?.rawValue)
            health.set(.schemaMissing, isMissing)
            health.set(.databaseUnreachable, !isMissing)
            log.log(.warning, "the sources could not be read and are read again", with: [.error: "\(error)"])
        }
    }
}
