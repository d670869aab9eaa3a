import Courier
import Logging
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry
import Testing

@testable import OutboxStore
@testable import Worker

/// The parts of a worker without a database, without couriers, and with a time that the test moves.
struct Rig: Sendable {
    static let worker: Int32 = 7

    let time = ManualLoopClock()
    let claimWakeup: Wakeup
    let arrived: Wakeup
    /// The loop that `run` runs has ended.
    let ended = Signal()
    let registry = PrometheusRegistry(describing: MetricDescription.postrider)
    let wallClock = Shared<Int64>(1_700_000_000_000_000)
    let parts: WorkerParts

    init(maxInFlight: Int = 10, isRegistered: Bool = true) {
        claimWakeup = Wakeup(on: time)
        arrived = Wakeup(on: time)
        var configuration = WorkerConfiguration()
        configuration.maxInFlight = maxInFlight
        let wallClock = wallClock
        let time = time
        let start = time.now
        parts = WorkerParts(
            configuration: configuration, state: WorkerState(),
            permits: Permits(
                InFlight(limit: maxInFlight, byteLimit: configuration.maxInFlightBytes), freed: claimWakeup),
            settleQueue: SettleQueue(arrived: arrived), judge: Samples.judge,
            builder: DeliveryBuilder(leaseSlack: configuration.leaseSlack), health: HealthState { time.now - start },
            metrics: DeliveryMetrics(
                registry: registry, version: "test"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, version: "test", time: time,
            wallClock: { wallClock.value })
        parts.state.found(ClockSkew(before: 0, database: 0, after: 0))
        parts.settleQueue.show(in: registry)
        if isRegistered { parts.state.registered(as: Self.worker) }
    }

    var inFlight: Int { parts.permits.current.count }
    /// What a counter without labels stands at.
    func metric(_ name: String) -> Double? {
        registry.exposition().split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// How often a step of the work failed.
    func failures(_ step: String) -> Double { metric("postrider_failures_total{step=\"\(step)\"}") ?? 0 }

    var reasons: [HealthReason] { parts.health.reasons }

    /// Runs a loop around `body`, and ends it in good order unless `body` has done so.
    func run(_ loop: any Service, _ body: (ServiceGroup) async throws -> Void) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: loop, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: parts.log))
        let ended = ended
        async let end: Void = {
            defer { ended.send() }
            try await group.run()
        }()
        do { try await body(group) } catch {
            await group.triggerGracefulShutdown()
            time.flow()
            try? await end
            throw error
        }
        await group.triggerGracefulShutdown()
        time.flow()
        try await end
    }
}

/// A value that a test and a loop share.
final class Shared<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) {
        content = Mutex(value)
    }

    var value: Value {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }

    /// Changes the value in one step.
    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        content.withLock { body(&$0) }
    }
}

/// Something that happens once, and that a test waits for.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func send() { continuation.yield() }

    func wait() async throws {
        // Nothing comes only when the time limit of the test is over.
        guard await stream.first(where: { _ in true }) != nil else { throw CancellationError() }
    }
}

extension PostgresError {
    /// The server refused a statement with this SQLSTATE.
    static func refused(_ state: String) -> PostgresError {
        PostgresError(
            .server, "no", report: ServerReport(state: SQLState(rawValue: state), severity: "ERROR", message: "no"))
    }

    /// 22021: text that the database cannot take.
    static var badText: PostgresError { refused("22021") }
    /// 53100: no room left.
    static var diskFull: PostgresError { refused("53100") }
}
