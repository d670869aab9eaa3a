import ArgumentParser
import OutboxStore

struct ExpectationWithdrawCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Withdraw an expectation: nothing is expected any more, or a missed callback is dealt with.",
        discussion: """
            Asks first when it runs on a terminal. It is on record.

            Example:
              postrider expectation withdraw 4711 --why 'paid, says the provider'
            """)

    @Argument(help: "The number of the expectation, as expectation list shows it.")
    var id: Int64

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let withdrawn: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        try Confirmation(confirmation, output, in: context).ask("Withdraw expectation \(id)?")
        _ = try await context.run(Expectations.withdraw(id, why: why))
        guard !output.isJSON else { return try output.json(Report(id: id, withdrawn: true)) }
        output.line("Withdrew expectation \(id).")
    }
}
