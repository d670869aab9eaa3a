import ArgumentParser
import FoundationEssentials
import LocalPostgres
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

struct DemoCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show how everything works, on a throw-away database.",
        discussion: """
            Starts its own PostgreSQL, three receivers and a worker, shows what happens to a few events, and leaves \
            nothing behind. This takes about ten seconds. The PostgreSQL server must be installed; no setting is needed.

            Example:
              postrider demo
            """)

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let narrator = Narrator(width: output.width) { text in
            guard !output.isJSON else { return context.writeError(text) }
            context.writeOutput(text)
            context.flushOutput()
        }
        Self.forgetLibpqVariables()
        let account = try await Interruption.watch {
            do {
                return try await Scene.play(narrator, now: context.now) { scene in
                    var story = Story(scene: scene, narrator: narrator)
                    return try await story.tell()
                }
            } catch let error as LocalPostgresError {
                throw CommandError(.databaseUnavailable, error.description)
            }
        }
        if output.isJSON { try output.json(account) }
        guard account.faults.isEmpty else {
            throw CommandError(.failure, "the account is wrong: " + account.faults.joined(separator: "; "))
        }
    }
}

extension DemoCommand {
    /// Takes libpq's variables out of the environment of this process: libpq reads them beside the address that it is given,
    /// and PGHOSTADDR or PGSSLMODE would keep it from the throw-away database.
    private static func forgetLibpqVariables() {
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("PG") { unsetenv(name) }
    }
}

/// Ctrl-C and SIGTERM while there is something to clean up.
private enum Interruption {
    /// Runs `body`; a signal cancels it, and the command fails once it has cleaned up.
    static func watch<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    throw CommandError(.failure, "interrupted; nothing is left behind")
                }
                return nil
            }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
