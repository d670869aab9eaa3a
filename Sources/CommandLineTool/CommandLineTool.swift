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
        // When a reader goes away (`postrider status | head`), the write fails. The signal would also end a worker whose
        // connection breaks.
        signal(SIGPIPE, SIG_IGN)
        StandardStreams.openClosed()
        exit(await run(ProcessArguments.current(), in: .live()).rawValue)
    }

    /// Runs one command. It is not done as long as its output did not arrive.
    /// - Parameter arguments: the command line without the name of the executable.
    package static func run(_ arguments: [String], in context: CommandContext) async -> CommandStatus {
        let status = await end(of: arguments, in: context)
        context.flushOutput()
        guard let failure = context.outputFailure() else { return status }
        // A reader that has ended knows what it did not read.
        if !failure.isReaderGone {
            context.writeError("postrider: the output could not be written whole: \(failure)\n")
        }
        return status == .done ? .failure : status
    }

    private static func end(of arguments: [String], in context: CommandContext) async -> CommandStatus {
        var context = context
        do {
            // The parser asks for offers in the middle of its work, where nothing can wait.
            let offers = await EndpointOffers.names(for: arguments, in: context)
            var command = try EndpointOffers.$current.withValue(offers) {
                try PostriderCommand.parseAsRoot(arguments)
            }
            guard let subcommand = command as? any ContextCommand else {
                guard type(of: command).configuration.subcommands.isEmpty else {
                    let help = PostriderCommand.helpMessage(for: type(of: command))
                    context.writeError("postrider: a command is missing\n\n\(help)\n")
                    return .usage
                }
                // The parser's own: help and version.
                try command.run()
                return .done
            }
            context.databaseURL = subcommand.options.databaseURL
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
            context.writeError(
                "postrider: \(PrintableText(DatabaseFailure.message(error, context.databaseSource), limit: 2000))\n")
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
        // The parser repeats arguments in its message. They are escaped line by line, to keep the parser's own line breaks.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            context.writeError(PrintableText(String(line), limit: 2000).description + "\n")
        }
        return .usage
    }

    /// Nil for errors of the parser and for unknown ones.
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

/// What a person may have meant who mistyped the name of a command.
enum Suggestion {
    /// Names that differ in more letters than this are not slips.
    static let slips = 2

    /// The command that the arguments nearly name; nil when they name one, or when none is near.
    static func command(near arguments: [String]) -> String? {
        var commands = PostriderCommand.configuration.subcommands
        var path = "postrider"
        for word in arguments {
            let names = commands.compactMap { $0.configuration.commandName }
            if let known = names.firstIndex(of: word) {
                commands = commands[known].configuration.subcommands
                path += " \(word)"
                continue
            }
            return Spelling.nearest(to: word, among: names, within: slips).map { "\(path) \($0)" }
        }
        return nil
    }
}
