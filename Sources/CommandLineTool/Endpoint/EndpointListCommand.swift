import ArgumentParser
import OutboxStore

/// `postrider endpoint list`: the endpoints and how they are doing.
struct EndpointListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List endpoints and what is owed to them.",
        discussion: """
            PENDING includes what is in flight; WAITING is the age of the oldest delivery that is due. A + behind a number
            means that counting stopped there.

            Example:
              postrider endpoint list --json
            """)

    @Option(help: ArgumentHelp("The most endpoints to list.", valueName: "n"))
    var limit = 1000

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoints: [EndpointReport]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let endpoints = try await context.run(Endpoints.list(limit: limit))
        guard !output.isJSON else { return try output.json(Report(endpoints: endpoints.map(EndpointReport.init))) }
        guard !endpoints.isEmpty else {
            return output.remark("There are no endpoints yet. Add one: postrider endpoint add NAME URL")
        }
        output.table(.endpoints(endpoints))
        if endpoints.count == Int(limit) { output.remark("There may be more; --limit lists more.") }
    }
}
