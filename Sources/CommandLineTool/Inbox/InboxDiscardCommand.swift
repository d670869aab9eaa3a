import ArgumentParser
import OutboxStore

struct InboxDiscardCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Discard a row of the inbox: it is never processed. The reason is recorded.",
        discussion: """
            Asks first when it runs on a terminal. It stays in the inbox as dead.

            Example:
              postrider inbox discard 4711 --why 'a test of the sender'
            """)

    @Argument(help: "The number of the row, as inbox list shows it.")
    var id: Int64

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let discarded: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        try Confirmation(confirmation, output, in: context).ask("Discard row \(id) of the inbox?")
        _ = try await context.run(InboxRows.discard(id, why: why ?? "no reason was given"))
        guard !output.isJSON else { return try output.json(Report(id: id, discarded: true)) }
        output.line("Discarded row \(id) of the inbox.")
    }
}
