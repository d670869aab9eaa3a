import Logging
import Postgres
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// What a command begins with that runs until it is stopped, and how it runs.
struct ServiceProcess {
    let configuration: WorkerConfiguration
    let database: PostgresConfiguration
    let keyFile: Redacted<[UInt8]>?
    let sink: LogSink
    let log: Logger
    let registry: PrometheusRegistry

    init(in context: CommandContext, metrics: [MetricDescription]) throws {
        configuration = try context.configuration()
        database = try context.database(configuration)
        keyFile = try configuration.secretKeyFile.map { try SecretKeyFile.read(from: $0) }
        let sink = context.makeLogSink(configuration)
        self.sink = sink
        log = sink.makeLogger(label: "postrider", level: configuration.logLevel)
        registry = PrometheusRegistry(describing: metrics)
        registry.readCounter(MetricDescription.logLinesDropped.name) { Double(sink.droppedLines) }
    }

    /// Runs services. The first signal stops them in good order, each further one calls `again`.
    ///
    /// - Parameter failure: the line in the log when a service has ended by an error, or before it was told to.
    /// - Throws: ``Unsuccessful`` in that case. What is wrong with the configuration is thrown as it is.
    static func run(
        _ group: ServiceGroup, stoppedBy signals: some AsyncSequence<UnixSignal, Never> & Sendable,
        again: @escaping @Sendable () -> Void = {}, failure: Logger.Message, log: Logger
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
        } catch let error as ConfigurationError {
            throw error
        } catch {
            log.log(.error, failure, with: [.error: "\(error)"])
            throw Unsuccessful()
        }
    }
}

extension ServiceGroup {
    /// The services of one process. The error of one stops the others in good order, so that what is in flight is finished
    /// and recorded; `run()` throws it then.
    ///
    /// - Parameter longestStop: what has not stopped by then is cancelled.
    static func process(_ services: [any Service], longestStop: Duration, log: Logger) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            logger: log)
        configuration.maximumGracefulShutdownDuration = longestStop
        return ServiceGroup(configuration: configuration)
    }
}
