import ArgumentParser

/// A subcommand of `postrider`: parsed by swift-argument-parser, run with what it needs handed in.
protocol ContextCommand: ParsableCommand {
    /// Does what the command is for.
    func run(in context: CommandContext) async throws
}

/// The root of the command line.
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
            MigrateCommand.self, WorkerCommand.self, EndpointCommand.self, EventCommand.self, DeadLetterCommand.self,
            StatusCommand.self, DoctorCommand.self, DemoCommand.self, ReceiveCommand.self,
        ])
}

/// The options of every command.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON on standard output; messages go to standard error.")
    var json = false
}
