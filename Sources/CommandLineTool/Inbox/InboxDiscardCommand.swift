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

    @OptionGroup var act: NamedAct

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let discarded: Bool
    }

    func run(in context: CommandContext) async throws {
        try await act.run(
            InboxRows.discard(id, why: act.why ?? "no reason was given"), asking: "Discard row \(id) of the inbox?",
            done: "Discarded row \(id) of the inbox.", report: Report(id: id, discarded: true),
            Output(options, in: context), in: context)
    }
}
