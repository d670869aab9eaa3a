import ArgumentParser
import Courier
import Logging
import Postgres
import Server
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// `postrider serve`: receives webhooks and answers customers, until SIGTERM or SIGINT.
struct ServeCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Receive webhooks (--inbox), and let customers register theirs (--api). SIGTERM drains.",
        discussion: """
            --inbox: POST /in/NAME is for the source NAME; postrider source add makes one. A request is answered with 200 once \
            it is committed. --api: customers register, change and test webhooks with a token; postrider token add makes \
            one. Each door has an address of its own. In one process, give the API a login of its own with \
            POSTRIDER_API_DATABASE_URL.

            Put a gateway in front that speaks TLS: this speaks HTTP/1.1 alone. Run as many as you like. \
            Health and metrics are served on POSTRIDER_HEALTH_LISTEN, logs go to standard error.

            SIGTERM or Ctrl-C drains: it accepts no more connections, answers the requests that have come, and exits \
            with 0.

            Example:
              postrider serve --inbox 127.0.0.1:8090
              postrider serve --api 127.0.0.1:8091
            """)

    @Option(
        help: ArgumentHelp(
            "The address to receive on, as HOST:PORT; port 0 takes any free port.", valueName: "address"),
        transform: ListenAddress.option)
    var inbox: ListenAddress?

    @Option(
        help: ArgumentHelp(
            "The address to answer customers on, as HOST:PORT; port 0 takes any free port.", valueName: "address"),
        transform: ListenAddress.option)
    var api: ListenAddress?

    @OptionGroup var options: OutputOptions

    func validate() throws {
        guard inbox != nil || api != nil else { throw ValidationError("Give --inbox, --api or both.") }
    }

    func run(in context: CommandContext) async throws {
        let configuration = try context.configuration()
        let database = try context.database(configuration)
        let keyFile = try configuration.secretKeyFile.map { try SecretKeyFile.read(from: $0) }
        let sink = context.makeLogSink(configuration)
        let log = sink.makeLogger(label: "postrider", level: configuration.logLevel)
        defer { sink.flush() }
        let registry = PrometheusRegistry(describing: MetricDescription.inbox + MetricDescription.api)
        registry.readCounter(MetricDescription.logLinesDropped.name) { Double(sink.droppedLines) }
        let doors = ServeServices.Doors(
            inbox: inbox, api: api,
            apiDatabase: try configuration.apiDatabaseURL.map {
                try PostgresConfiguration($0.reveal(), applicationName: "postrider")
            }, randomBytes: context.randomBytes)
        let services = try ServeServices(
            configuration, doors: doors, database: database, version: PostriderVersion.current, keyFile: keyFile,
            registry: registry, log: log, wallClock: SystemClock.wallMicroseconds)
        let group = ServiceGroup.worker(services.all, longestStop: services.longestStop, log: log)
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
                tasks.addTask {
                    for await _ in signals { await group.triggerGracefulShutdown() }
                }
                try await group.run()
                tasks.cancelAll()
            }
        } catch let error as ConfigurationError {
            throw error
        } catch {
            log.log(.error, "receiving ended", with: [.error: "\(error)"])
            throw Unsuccessful()
        }
    }
}
