import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct ExpectationShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an expectation: what met it, or what was done without a callback.",
        discussion: """
            The headers that it polls with are shown nowhere.

            Example:
              postrider expectation show 4711
            """)

    @Argument(help: "The number of the expectation, as expectation list shows it.")
    var id: Int64

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard let row = try await context.run(Expectations.find(id)).first else {
            throw CommandError(
                .badData, "there is no expectation \(id); postrider expectation list shows the newest")
        }
        guard !output.isJSON else { return try output.json(ExpectationReport(row)) }
        output.line("Expectation \(row.id): \(row.correlation) from \(row.source ?? "any source")")
        let isPolled = row.pollURL != nil
        output.fields([
            ("State", row.state), ("Tenant", row.tenant.isEmpty ? nil : row.tenant),
            ("Made", "\(row.createdAt), \(Age.text(row.age))"), ("Within", DurationText.format(row.within)),
            ("Otherwise", row.otherwise), ("Due", row.dueAt?.description), ("Polls", isPolled ? "\(row.polls)" : nil),
            ("Poll URL", row.pollURL), ("Every", isPolled ? DurationText.format(row.pollEvery) : nil),
            ("Done when", row.doneWhen), ("Polls until", row.pollUntil?.description),
            ("Last poll", row.lastPollAt.map { "\($0)" + (row.lastPollStatus.map { ", answered \($0)" } ?? "") }),
            ("Last error", row.lastError), ("Event", row.event.map { "\($0)" }),
            ("Sent again", row.redeliveredAt?.description),
            (row.state == "missed" ? "Came after all" : "Met by", row.inboxID.map { "row \($0) of the inbox" }),
            ("Ended", row.endedAt?.description),
        ])
    }
}
