import ArgumentParser
import OutboxStore

/// `postrider dead-letter discard`: gives a dead letter up for good.
struct DeadLetterDiscardCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Give a dead letter up for good; the reason stays on record.",
        discussion: """
            Asks first, where somebody can be asked.

            Example:
              postrider dead-letter discard 4711 --why 'the customer is gone'
            """)

    @Argument(help: "Its id, as dead-letter list shows it.")
    var id: Int64

    @Option(help: ArgumentHelp("The reason: somebody will ask.", valueName: "text"))
    var why = "no reason was given"

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let discarded: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        try Confirmation(confirmation, output, in: context).ask("Give dead letter \(id) up for good?")
        _ = try await context.run(DeadLetters.discard(id, why: why))
        guard !output.isJSON else { return try output.json(Report(id: id, discarded: true)) }
        output.line("Discarded dead letter \(id).")
    }
}
