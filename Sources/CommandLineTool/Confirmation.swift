import ArgumentParser

/// The option of every command that asks before it does something.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false
}

/// A question before a change that cannot be undone.
struct Confirmation {
    let output: Output
    let context: CommandContext
    /// Whether `--yes` was given.
    let isGiven: Bool

    /// Asks on a terminal, and fails when the answer is not `yes`. A script is not asked: it said what it wants.
    func ask(_ question: String) throws(CommandError) {
        guard !isGiven, context.inputIsTerminal else { return }
        output.remark("\(question) Type yes:")
        guard context.readAnswer() == "yes" else { throw CommandError(.failure, "nothing was changed") }
    }
}

extension Confirmation {
    init(_ options: ConfirmationOptions, _ output: Output, in context: CommandContext) {
        self.init(output: output, context: context, isGiven: options.yes)
    }
}
