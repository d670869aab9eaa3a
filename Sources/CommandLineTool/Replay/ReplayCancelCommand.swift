import ArgumentParser
import OutboxStore
import Postgres

struct ReplayCancelCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End a replay of events.",
        discussion: """
            Deliveries that it has made are sent all the same: postrider event cancel is for those.

            Example:
              postrider replay cancel 3
            """)

    @Argument(help: "The id, as replay list shows it.")
    var id: Int64

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let replayId: Int64
        /// Whether it was running.
        let cancelled: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let cancelled = try await context.run(Replays.cancel(id, why: why)).first ?? false
        guard !output.isJSON else { return try output.json(Report(replayId: id, cancelled: cancelled)) }
        output.line(cancelled ? "Cancelled replay \(id)." : "Replay \(id) had ended already.")
    }
}
