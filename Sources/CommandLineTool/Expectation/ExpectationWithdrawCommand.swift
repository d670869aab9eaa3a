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

    @OptionGroup var act: NamedAct

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let id: Int64
        let withdrawn: Bool
    }

    func run(in context: CommandContext) async throws {
        try await act.run(
            Expectations.withdraw(id, why: act.why), asking: "Withdraw expectation \(id)?",
            done: "Withdrew expectation \(id).", report: Report(id: id, withdrawn: true),
            Output(options, in: context), in: context)
    }
}
