import ArgumentParser

/// `postrider dead-letter`: deliveries that were given up.
struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letter",
        abstract: "Dead letters: list, look at, replay, discard.",
        discussion: """
            Example:
              postrider dead-letter list
            """,
        subcommands: [
            DeadLetterListCommand.self, DeadLetterShowCommand.self, DeadLetterReplayCommand.self,
            DeadLetterDiscardCommand.self,
        ])
}
