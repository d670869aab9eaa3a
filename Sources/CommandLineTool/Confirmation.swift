/// A question before something that cannot be taken back.
struct Confirmation {
    let output: Output
    let context: CommandContext
    /// Whether `--yes` was given.
    let isGiven: Bool

    /// Asks where somebody can be asked, and fails when the answer is not `yes`. A script is not asked: it said what it wants.
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
