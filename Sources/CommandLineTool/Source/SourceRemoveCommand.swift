import ArgumentParser
import OutboxStore
import Postgres

struct SourceRemoveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a source: what is not processed ends as dead, its history stays.",
        discussion: """
            Its path is unknown from then on. Asks first when it runs on a terminal. Anywhere else it needs --yes.

            Example:
              postrider source remove github --yes
            """)

    @Argument(help: "The name of the source.", completion: .sourceName)
    var name: String

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let source: String
        let removed: Bool
        /// Rows that were not processed.
        let ended: Int32
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard confirmation.yes || context.inputIsTerminal else {
            throw CommandError(
                .usage, "removing a source cannot be undone: without a terminal to ask on, give --yes")
        }
        try Confirmation(confirmation, output, in: context).ask(
            "Remove source \(name), and end what is not processed?")
        let ended = try await context.run(WebhookSources.remove(name)).first ?? 0
        guard !output.isJSON else { return try output.json(Report(source: name, removed: true, ended: ended)) }
        output.line("Removed source \(name); \(Plural.of("row", ended)) ended unprocessed.")
    }
}
