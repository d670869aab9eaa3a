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
        let process = try ServiceProcess(in: context, metrics: MetricDescription.inbox + MetricDescription.api)
        defer { process.sink.flush() }
        let doors = ServeServices.Doors(
            inbox: inbox, api: api,
            apiDatabase: try process.configuration.apiDatabaseURL.map {
                try PostgresConfiguration($0.reveal(), applicationName: "postrider")
            }, randomBytes: context.randomBytes)
        let services = try ServeServices(
            process.configuration, doors: doors, database: process.database, version: PostriderVersion.current,
            keyFile: process.keyFile, registry: process.registry, log: process.log,
            wallClock: SystemClock.wallMicroseconds)
        try await ServiceProcess.run(
            .process(services.all, longestStop: services.longestStop, log: process.log),
            stoppedBy: await UnixSignalsSequence(trapping: .sigterm, .sigint), failure: "receiving ended",
            log: process.log)
    }
}
