import ArgumentParser
import OutboxStore

/// `postrider endpoint remove`: removes an endpoint.
struct EndpointRemoveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an endpoint: what it is still owed is cancelled, its history stays.",
        discussion: """
            Asks first. Where nobody can be asked, --yes has to be given.

            Example:
              postrider endpoint remove billing --yes
            """)

    @Argument(help: "Its name.")
    var name: String

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoint: String
        let removed: Bool
        let cancelled: Int32
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard yes || context.inputIsTerminal else {
            throw CommandError(
                .usage, "removing an endpoint cannot be undone: give --yes, since nobody can be asked here")
        }
        let cancelled: Int32? = try await context.withDatabase { connection in
            try await connection.requireEndpoint(name)
            if !yes {
                output.remark("Remove endpoint \(name), and cancel what it is owed? Type yes:")
                guard context.readAnswer() == "yes" else { return nil }
            }
            return try await connection.rows(RemoveEndpoint(name: name)).first ?? 0
        }
        guard let cancelled else { throw CommandError(.failure, "nothing was removed") }
        guard !output.isJSON else {
            return try output.json(Report(endpoint: name, removed: true, cancelled: cancelled))
        }
        output.line("Removed endpoint \(name); cancelled \(Plural.deliveries(cancelled)).")
    }
}
