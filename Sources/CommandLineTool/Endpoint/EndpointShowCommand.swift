import ArgumentParser
import Outbox
import OutboxStore
import Postgres

/// `postrider endpoint show`: one endpoint in full.
struct EndpointShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an endpoint: its settings and how it is doing. Secrets are never shown.",
        discussion: """
            Example:
              postrider endpoint show billing
            """)

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let details = try await context.withDatabase { try await EndpointDetails.read(name, from: $0) }
        guard !output.isJSON else { return try output.json(EndpointDetailsReport(details)) }
        details.show(on: output)
    }
}
