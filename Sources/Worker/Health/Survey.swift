import Logging
import OutboxStore
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What a survey asks of the database.
protocol SurveyStore: LoopStore {
    func survey() async throws(PostgresError) -> SurveyFigures
}

/// How the whole outbox is doing.
struct SurveyFigures: Sendable, Equatable {
    /// Of all endpoints.
    var census = Census()
    /// The endpoints that have failed for longest, and for how long: those of which metrics have the names.
    var worst: [FailingEndpoint] = []
    /// Duties that fail again and again, or that have not been done for long.
    var failingDuties = 0
    /// What was received and is not processed.
    var inbox = InboxCensus()
    /// Callbacks that are waited for, or never came.
    var expectations = ExpectationCensus()

    struct FailingEndpoint: Sendable, Equatable {
        var name: String
        var tenant: String
        var failing: Duration
    }
}

/// Counts every quarter of a minute what there is, for the metrics; every worker does. More rarely where that costs much.
final class Survey: Service {
    static let loop = "survey"
    /// How many endpoints metrics name.
    static let named = 5
    static let pause = Duration.seconds(15)
    /// So many times as long as a survey took, it waits: it takes a fiftieth of the time at most.
    static let leisure = 50
    /// However long it took: an alert waits for a few minutes.
    static let longestPause = Duration.seconds(120)

    private let parts: WorkerParts
    private let store: any SurveyStore
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    init(_ parts: WorkerParts, store: any SurveyStore) {
        self.parts = parts
        self.store = store
        wakeup = Wakeup(on: parts.time)
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: Self.longestPause + WorkerServices.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withTaskCancellationOrGracefulShutdownHandler {
            while !isStopping.load(ordering: .acquiring) {
                parts.health.beat(Self.loop)
                await wakeup.wait(atMost: await look())
            }
            await store.close()
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.store.closeSoon()
        }
    }

    /// Returns how long to wait before the next one.
    private func look() async -> Duration {
        let began = parts.time.now
        do throws(PostgresError) {
            parts.health.surveyed(try await store.survey())
        } catch {
            // The database that is away is told of by others, and the age of the figures tells of the rest.
            if !error.isOfConnection {
                parts.log.log(
                    .warning, "the survey for the metrics failed and is tried again", with: [.error: "\(error)"])
            }
        }
        return min(Self.longestPause, max(Self.pause, (parts.time.now - began) * Self.leisure))
    }
}
