import ArgumentParser
import FoundationEssentials
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals
import Worker

/// `postrider worker`: claims, delivers, records, serves health, until SIGTERM or SIGINT.
struct WorkerCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker: claim, deliver, record, serve health. SIGTERM drains.",
        discussion: """
            Run as many as you like, on as many machines as you like. Logs go to standard error.

            SIGTERM or Ctrl-C drains: the worker claims nothing more, finishes what is in flight, and exits with 0. \
            A second one ends the drain at once: the worker hands back what is in flight, and exits with 1 if it \
            could not record that.

            Example:
              postrider worker
            """)

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let configuration = try context.configuration()
        let database = try context.database(configuration)
        let keyFile = try configuration.secretKeyFile.map { try SecretKeyFile.read(from: $0) }
        let sink = context.makeLogSink(configuration)
        let log = sink.makeLogger(label: "postrider", level: configuration.logLevel)
        defer { sink.flush() }
        let registry = PrometheusRegistry(describing: MetricDescription.postrider)
        registry.readCounter(MetricDescription.logLinesDropped.name) { Double(sink.droppedLines) }
        let worker = try WorkerServices(
            configuration, database: database,
            name: "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)",
            version: PostriderVersion.current, keyFile: keyFile,
            registry: registry, log: log)
        try await Self.run(
            .worker(worker.all, longestStop: worker.longestStop, log: log),
            stoppedBy: await UnixSignalsSequence(trapping: .sigterm, .sigint), again: worker.cutDrain, log: log)
        let left = worker.leftByCutDrain
        guard left == 0 else {
            log.log(
                .error, "the drain was cut; what could not be recorded is sent again when its leases end",
                with: [.count: "\(left)"])
            throw Unsuccessful()
        }
    }

    /// Runs the services of a worker. The first signal stops them in good order, the second one calls `again`.
    ///
    /// - Throws: ``Unsuccessful`` when a service has ended by an error, or before it was told to.
    static func run(
        _ group: ServiceGroup, stoppedBy signals: some AsyncSequence<UnixSignal, Never> & Sendable,
        again: @escaping @Sendable () -> Void, log: Logger
    ) async throws {
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                tasks.addTask {
                    var isFirst = true
                    for await _ in signals {
                        if isFirst { await group.triggerGracefulShutdown() } else { again() }
                        isFirst = false
                    }
                }
                try await group.run()
                tasks.cancelAll()
            }
        } catch {
            log.log(.error, "the worker ended", with: [.error: "\(error)"])
            throw Unsuccessful()
        }
    }
}

extension ServiceGroup {
    /// The services of one worker. The error of one stops the others in good order, so that what is in flight is finished
    /// and recorded; `run()` throws it then.
    ///
    /// - Parameter longestStop: what has not stopped by then is cancelled.
    static func worker(_ services: [any Service], longestStop: Duration, log: Logger) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            logger: log)
        configuration.maximumGracefulShutdownDuration = longestStop
        return ServiceGroup(configuration: configuration)
    }
}
