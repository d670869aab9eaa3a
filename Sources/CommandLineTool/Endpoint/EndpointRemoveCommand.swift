import ArgumentParser
import OutboxStore

/// `postrider endpoint remove`: removes an endpoint.
struct EndpointRemoveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an endpoint: what it is still owed is cancelled, its history stays.",
        discussion: """
            Asks first. Where nobody can be asked, --yes has to be given.

            Example:
              postrider endpoint remove billing --yes
            """)

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoint: String
        let removed: Bool
        let cancelled: Int32
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard confirmation.yes || context.inputIsTerminal else {
            throw CommandError(
                .usage, "removing an endpoint cannot be undone: give --yes, since nobody can be asked here")
        }
        try await context.withDatabase { try await $0.requireEndpoint(name) }
        try Confirmation(confirmation, output, in: context).ask("Remove endpoint \(name), and cancel what it is owed?")
        let cancelled = try await context.run(Endpoints.remove(name)).first ?? 0
        guard !output.isJSON else {
            return try output.json(Report(endpoint: name, removed: true, cancelled: cancelled))
        }
        output.line("Removed endpoint \(name); cancelled \(Plural.deliveries(cancelled)).")
    }
}
