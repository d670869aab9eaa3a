import ArgumentParser
import OutboxStore
import Postgres

struct EventTypeExportCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print the catalogue as a document for customers: Markdown, or AsyncAPI 3.0.",
        discussion: """
            AsyncAPI is printed as JSON. With --json the document is a string.

            Example:
              postrider event-type export --format asyncapi
            """)

    @Option(
        help: ArgumentHelp("markdown or asyncapi.", valueName: "format"),
        completion: .list(CatalogueFormat.allCases.map(\.rawValue)))
    var format = "markdown"

    @Option(help: ArgumentHelp("The title of the document.", valueName: "text"))
    var title = "Events"

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let format: String
        let document: String
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard let format = CatalogueFormat(rawValue: format) else {
            throw CommandError(
                .badData,
                "--format must be one of " + CatalogueFormat.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let types = try await context.run(Catalogue.list)
        let document = format.document(types, title: title)
        guard !output.isJSON else {
            return try output.json(Report(format: format.rawValue, document: document))
        }
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) { output.line(String(line)) }
    }
}
