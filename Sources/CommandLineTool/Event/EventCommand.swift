import ArgumentParser

/// `postrider event`: what happened, and what became of it.
struct EventCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event",
        abstract: "Events: publish, list, look at, cancel.",
        discussion: """
            Example:
              postrider event list
            """,
        subcommands: [
            EventPublishCommand.self, EventListCommand.self, EventShowCommand.self, EventCancelCommand.self,
        ])
}
