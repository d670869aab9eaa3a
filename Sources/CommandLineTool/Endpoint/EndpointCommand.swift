import ArgumentParser

/// `postrider endpoint`: where events go.
struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "Endpoints: add, list, change, pause, remove, test.",
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
