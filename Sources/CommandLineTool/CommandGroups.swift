import ArgumentParser

struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "Endpoints: add, list, show, change, pause, remove, test.",
        discussion: """
            Example:
              postrider endpoint list
            """,
        subcommands: [
            EndpointAddCommand.self, EndpointListCommand.self, EndpointShowCommand.self, EndpointUpdateCommand.self,
            EndpointPauseCommand.self, EndpointResumeCommand.self, EndpointRemoveCommand.self,
            EndpointRotateSecretCommand.self, EndpointTestCommand.self,
        ])
}

struct EventCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event",
        abstract: "Events: publish, list, show, cancel.",
        discussion: """
            Example:
              postrider event list
            """,
        subcommands: [
            EventPublishCommand.self, EventListCommand.self, EventShowCommand.self, EventCancelCommand.self,
        ])
}

struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letter",
        abstract: "Dead letters: list, show, replay, discard.",
        discussion: """
            Example:
              postrider dead-letter list
            """,
        subcommands: [
            DeadLetterListCommand.self, DeadLetterShowCommand.self, DeadLetterReplayCommand.self,
            DeadLetterDiscardCommand.self,
        ])
}
