import ArgumentParser
import Telemetry

/// A subcommand of `postrider`. swift-argument-parser parses it; ``CommandLineTool`` runs it.
protocol ContextCommand: ParsableCommand {
    var options: OutputOptions { get }

    func run(in context: CommandContext) async throws
}

struct PostriderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postrider",
        abstract: "A durable outbox and webhook delivery engine for PostgreSQL.",
        discussion: """
            Settings come from POSTRIDER_* environment variables, or from the file that POSTRIDER_CONFIG names.

            Exit codes: 0 done, 64 usage, 65 bad data, 69 database unavailable, 78 configuration, 1 other.
            """,
        version: "postrider \(PostriderVersion.current)",
        subcommands: [
            MigrateCommand.self, WorkerCommand.self, EndpointCommand.self, ApplyCommand.self, EventCommand.self,
            DeadLetterCommand.self, ReplayCommand.self, EventTypeCommand.self,
            SourceCommand.self, InboxCommand.self,
            ExpectationCommand.self,
            StatusCommand.self, DoctorCommand.self,
            SecretsCommand.self, DemoCommand.self, ReceiveCommand.self,
            ServeCommand.self,
            TokenCommand.self,
        ])
}

/// The version of this executable.
package enum PostriderVersion {
    /// Semantic, without a `v`.
    package static let current = "0.1.0"
}

/// The options of every command.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON on standard output; messages go to standard error.")
    var json = false

    @Option(
        name: .customLong("database-url"),
        help: ArgumentHelp(
            "The database, as a libpq URI or key=value string; by default what POSTRIDER_DATABASE_URL says.",
            valueName: "url"), transform: Self.address)
    var databaseURL: Redacted<String>?

    private static func address(_ text: String) throws -> Redacted<String> {
        guard !text.isEmpty, text.utf8.count <= longestURL else {
            throw ValidationError("It must have 1 to \(longestURL) bytes.")
        }
        return Redacted(text)
    }

    /// As long as a setting may be.
    private static let longestURL = 8192
}

struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "Endpoints: add, list, show, change, pause, remove, test, export.",
        discussion: """
            Example:
              postrider endpoint list
            """,
        subcommands: [
            EndpointAddCommand.self, EndpointListCommand.self, EndpointShowCommand.self, EndpointUpdateCommand.self,
            EndpointPauseCommand.self, EndpointResumeCommand.self, EndpointRemoveCommand.self,
            EndpointRotateSecretCommand.self, EndpointTestCommand.self, EndpointExportCommand.self,
        ])
}

struct EventCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event",
        abstract: "Events: publish, list, follow, show, retry, replay, cancel.",
        discussion: """
            Example:
              postrider event list
            """,
        subcommands: [
            EventPublishCommand.self, EventListCommand.self, EventTailCommand.self, EventShowCommand.self,
            EventRetryCommand.self, EventReplayCommand.self, EventCancelCommand.self,
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

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replays of events: list, cancel. postrider event replay begins one.",
        discussion: """
            Example:
              postrider replay list
            """,
        subcommands: [ReplayListCommand.self, ReplayCancelCommand.self])
}

struct SourceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "source",
        abstract: "Sources of webhooks that are received: add, list, show, change, remove, test.",
        discussion: """
            Example:
              postrider source list
            """,
        subcommands: [
            SourceAddCommand.self, SourceListCommand.self, SourceShowCommand.self, SourceUpdateCommand.self,
            SourceRotateSecretCommand.self, SourceRemoveCommand.self, SourceTestCommand.self,
        ])
}

struct InboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inbox",
        abstract: "What was received: list, show, replay, discard.",
        discussion: """
            Example:
              postrider inbox list
            """,
        subcommands: [
            InboxListCommand.self, InboxShowCommand.self, InboxReplayCommand.self, InboxDiscardCommand.self,
        ])
}

struct ExpectationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expectation",
        abstract: "Callbacks that are waited for, or never came: list, show, withdraw.",
        discussion: """
            Example:
              postrider expectation list
            """,
        subcommands: [
            ExpectationListCommand.self, ExpectationShowCommand.self, ExpectationWithdrawCommand.self,
        ])
}

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Tokens with which customers use the API: add, list, revoke.",
        discussion: """
            Example:
              postrider token list
            """,
        subcommands: [TokenAddCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

struct EventTypeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-type",
        abstract: "The catalogue of event types: add, list, show, remove, export.",
        discussion: """
            Example:
              postrider event-type list
            """,
        subcommands: [
            EventTypeAddCommand.self, EventTypeListCommand.self, EventTypeShowCommand.self, EventTypeRemoveCommand.self,
            EventTypeExportCommand.self,
        ])
}
