import ArgumentParser
import LocalPostgres

/// `postrider demo`: the whole story on a throw-away database.
struct DemoCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Tell the whole story on a throw-away database.",
        discussion: """
            Starts a PostgreSQL of its own, three receivers and a worker, shows what happens to a few events, and leaves
            nothing behind. Takes about ten seconds. PostgreSQL's server must be installed; nothing needs to be configured.

            Example:
              postrider demo
            """)

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let narrator = Narrator(width: output.width, write: output.isJSON ? context.writeError : context.writeOutput)
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
            throw CommandError(.failure, "the account does not hold: " + account.faults.joined(separator: "; "))
        }
    }
}
