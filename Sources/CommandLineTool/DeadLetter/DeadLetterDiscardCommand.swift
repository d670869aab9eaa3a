import ArgumentParser
import OutboxStore

struct DeadLetterDiscardCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Discard a dead letter: it is never sent again. The reason is recorded.",
        discussion: """
            Asks first when it runs on a terminal.

            Example:
              postrider dead-letter discard 4711 --why 'the customer is gone'
            """)

    @Argument(help: "The id, as dead-letter list shows it.")
    var id: Int64

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why = "no reason was given"

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let discarded: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        try Confirmation(confirmation, output, in: context).ask(
            "Discard dead letter \(id)? It cannot be replayed after that.")
        _ = try await context.run(DeadLetters.discard(id, why: why))
        guard !output.isJSON else { return try output.json(Report(id: id, discarded: true)) }
        output.line("Discarded dead letter \(id).")
    }
}
