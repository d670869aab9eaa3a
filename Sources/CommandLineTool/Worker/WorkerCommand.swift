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

            Example:
              postrider worker
            """)

    /// On top of the drain timeout, for recording and closing.
    private static let farewell = Duration.seconds(8)

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
        let worker = try WorkerService(
            configuration, database: database,
            name: "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)",
            version: PostriderVersion.current, keyFile: keyFile,
            registry: registry, log: log)
        var group = ServiceGroupConfiguration(
            services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        group.maximumGracefulShutdownDuration = configuration.drainTimeout + Self.farewell
        try await ServiceGroup(configuration: group).run()
    }
}
