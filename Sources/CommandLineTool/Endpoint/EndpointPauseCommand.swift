import ArgumentParser
import OutboxStore

/// `postrider endpoint pause`: keeps what is owed to an endpoint.
struct EndpointPauseCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Keep what is owed to an endpoint until it is resumed.",
        discussion: """
            New events are kept for it as well. What is in flight at this moment still arrives.

            Example:
              postrider endpoint pause billing
            """)

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let overview = try await context.withDatabase { connection in
            _ = try await connection.rows(Endpoints.pause(name))
            return try await EndpointDetails.read(name, from: connection).overview
        }
        try EndpointStateReport(overview).show(on: Output(options, in: context))
    }
}
