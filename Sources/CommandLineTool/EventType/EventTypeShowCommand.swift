import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EventTypeShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an event type with its schema and its example.",
        discussion: """
            Example:
              postrider event-type show order.paid
            """)

    @Argument(help: "The event type.")
    var type: String

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventType: String
        let description: String?
        let schema: String?
        let example: String?
        let updatedAt: String
        let updatedBy: String
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let type = try EventType(type).text
        guard let known = try await context.run(Catalogue.find(type)).first else { throw Self.unknown(type) }
        let schema = known.schema.map { String(decoding: $0, as: UTF8.self) }
        let example = known.example.map { String(decoding: $0, as: UTF8.self) }
        guard !output.isJSON else {
            return try output.json(
                Report(
                    eventType: known.type, description: known.description, schema: schema, example: example,
                    updatedAt: known.updatedAt.description, updatedBy: known.updatedBy))
        }
        output.fields([
            ("type", known.type), ("description", known.description),
            ("updated", "\(known.updatedAt) by \(known.updatedBy)"),
        ])
        for (title, text) in [("Schema", schema), ("Example", example)] {
            guard let text else { continue }
            output.line("")
            output.line("\(title):")
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) { output.line("  \(line)") }
        }
    }

    static func unknown(_ type: String) -> CommandError {
        CommandError(
            .badData, "the event type \(type) is not described; postrider event-type list shows those that are")
    }
}

struct EventTypeRemoveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take an event type out of the catalogue.",
        discussion: """
            Events of it go on as before.

            Example:
              postrider event-type remove order.paid
            """)

    @Argument(help: "The event type.")
    var type: String

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventType: String
        let removed: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let type = try EventType(type).text
        guard try await context.run(Catalogue.forget(type)).first == true else {
            throw EventTypeShowCommand.unknown(type)
        }
        guard !output.isJSON else { return try output.json(Report(eventType: type, removed: true)) }
        output.line("Removed \(type) from the catalogue.")
    }
}
