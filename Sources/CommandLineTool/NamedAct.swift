import ArgumentParser
import Postgres

/// The options of an act on one thing that a number names, with a reason for the record: `inbox discard`, `expectation withdraw`.
struct NamedAct: ParsableArguments {
    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var confirmation: ConfirmationOptions

    /// Asks, acts, and tells what was done.
    ///
    /// - Parameters:
    ///   - question: what a person is asked first.
    ///   - done: one line.
    ///   - report: the same as JSON.
    func run(
        _ act: PostgresQuery<Void>, asking question: String, done: String, report: some Encodable,
        _ output: Output, in context: CommandContext
    ) async throws {
        try Confirmation(confirmation, output, in: context).ask(question)
        _ = try await context.run(act)
        guard !output.isJSON else { return try output.json(report) }
        output.line(done)
    }
}
