import ArgumentParser
import Outbox
import OutboxStore
import Postgres
import Settings
import Telemetry
import Webhooks
import Worker

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The command line of Postrider.
package enum CommandLineTool {
    /// Runs the command that this process was started with, and ends the process.
    package static func main() async -> Never {
        // A reader that goes away (`postrider status | head`) is told by the failing write, not by a signal that would
        // also end a worker whose connection breaks.
        signal(SIGPIPE, SIG_IGN)
        exit(await run(Array(CommandLine.arguments.dropFirst()), in: .live()).rawValue)
    }

    /// Runs one command.
    /// - Parameter arguments: the command line without the name of the executable.
    package static func run(_ arguments: [String], in context: CommandContext) async -> CommandStatus {
        do {
            var command = try PostriderCommand.parseAsRoot(arguments)
            guard let subcommand = command as? any ContextCommand else {
                // The parser's own: help and version.
                try command.run()
                return .done
            }
            // A setting that cannot be used stops every command, before it does anything.
            _ = try context.configuration()
            try await subcommand.run(in: context)
            return .done
        } catch {
            let status = report(error, in: context)
            if status == .usage, let meant = Suggestion.command(near: arguments) {
                context.writeError("Did you mean: \(meant)\n")
            }
            return status
        }
    }

    static func report(_ error: any Error, in context: CommandContext) -> CommandStatus {
        if let error = error as? PostgresError {
            context.writeError("postrider: \(PrintableText(DatabaseFailure.message(error), limit: 2000))\n")
            return DatabaseFailure.status(error)
        }
        if error is Unsuccessful { return .failure }
        if let status = status(of: error) {
            context.writeError("postrider: \(PrintableText("\(error)", limit: 2000))\n")
            return status
        }
        let text = PostriderCommand.fullMessage(for: error)
        guard PostriderCommand.exitCode(for: error) != .success else {
            context.writeOutput(text + "\n")
            return .done
        }
        guard PostriderCommand.exitCode(for: error) == .validationFailure else {
            context.writeError("postrider: \(PrintableText("\(error)", limit: 2000))\n")
            return .failure
        }
        // The parser repeats arguments in its message: escape them line by line, since its own lines are wanted.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            context.writeError(PrintableText(String(line), limit: 2000).description + "\n")
        }
        return .usage
    }

    /// The status of an error of ours; nil for those of the parser and for unknown ones.
    private static func status(of error: any Error) -> CommandStatus? {
        switch error {
        case let error as CommandError: error.status
        case is ConfigurationError: .configuration
        case is InvalidText, is WebhookSecretError, is HeaderFieldError, is EndpointURLError, is EndpointRefusal:
            .badData
        case is MigrationError, is SealingError: .configuration
        case is CancellationError: .failure
        default: nil
        }
    }
}
