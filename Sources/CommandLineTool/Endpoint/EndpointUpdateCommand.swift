import ArgumentParser
import Outbox
import OutboxStore
import Postgres

/// `postrider endpoint update`: changes an endpoint.
struct EndpointUpdateCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change an endpoint; what is not given stays as it is.",
        discussion: """
            0 lifts a limit. --event-type and --header replace all there were. Secrets change with rotate-secret.

            Example:
              postrider endpoint update billing --retry-schedule 5s,1m,10m --max-in-flight 20 --rate-limit 0
            """)

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "Where it is from now on.")
    var url: String?

    @OptionGroup var settings: EndpointOptions

    @Flag(help: "Send no headers along any more.")
    var noHeaders = false

    @OptionGroup var options: OutputOptions

    func validate() throws {
        guard url != nil || noHeaders || !settings.isEmpty else {
            throw ValidationError("Say what to change; --help lists the options.")
        }
        guard !noHeaders || settings.headers.isEmpty else {
            throw ValidationError("--no-headers and --header exclude each other.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        var changes = try settings.settings(url: url, policy: EndpointPolicy(try context.configuration()))
        if noHeaders { changes.headers = [] }
        let details = try await context.withDatabase { [changes] connection in
            _ = try await connection.rows(Endpoints.update(name, settings: changes))
            return try await EndpointDetails.read(name, from: connection)
        }
        guard !output.isJSON else { return try output.json(EndpointDetailsReport(details)) }
        output.line("Changed endpoint \(name).")
        details.show(on: output)
    }
}
