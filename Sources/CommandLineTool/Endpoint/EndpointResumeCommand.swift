import ArgumentParser
import OutboxStore

/// `postrider endpoint resume`: sends to an endpoint again.
struct EndpointResumeCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Send to an endpoint again.",
        discussion: """
            Also for an endpoint that was disabled because it answered 410 Gone.

            Example:
              postrider endpoint resume billing
            """)

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let overview = try await context.withDatabase { connection in
            _ = try await connection.rows(Endpoints.resume(name))
            return try await EndpointDetails.read(name, from: connection).overview
        }
        try EndpointStateReport(overview).show(on: Output(options, in: context))
    }
}
