import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EndpointUpdateCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change an endpoint; settings that are not given stay the same.",
        discussion: """
            0 removes a limit. --event-type and --header replace all earlier ones. rotate-secret changes the secret.

            Example:
              postrider endpoint update billing --retry-schedule 5s,1m,10m \\
                --max-in-flight 20 --rate-limit 0
            """)

    @Argument(help: "The name of the endpoint.", completion: .endpointName)
    var name: String

    @Option(help: "The new URL.")
    var url: String?

    @OptionGroup var settings: EndpointOptions

    @Flag(help: "Add no headers to requests any more.")
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
            return await EndpointDetails.readBack(name, from: connection, output)
        }
        guard !output.isJSON else {
            guard let details else { return try output.json(ChangedEndpoint(endpoint: name)) }
            return try output.json(EndpointDetailsReport(details))
        }
        output.line("Changed endpoint \(name).")
        details?.show(on: output)
    }
}
