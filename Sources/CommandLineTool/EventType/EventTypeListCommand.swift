import ArgumentParser
import OutboxStore
import Postgres

struct EventTypeListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the event types that are described, or those that are sent and are not.",
        discussion: """
            --unknown looks at the newest 100,000 events.

            Example:
              postrider event-type list --unknown
            """)

    @Flag(help: "Only types of events that are published and not described.")
    var unknown = false

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventTypes: [Row]
    }

    private struct Row: Encodable {
        let eventType: String
        var description: String?
        var hasSchema: Bool?
        var hasExample: Bool?
        var updatedAt: String?
        /// Of a type that is not described: how many of the newest events have it.
        var events: Int64?
        var lastPublishedAt: String?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard unknown else {
            let types = try await context.run(Catalogue.list)
            let rows = types.map {
                Row(
                    eventType: $0.type, description: $0.description, hasSchema: $0.schema != nil,
                    hasExample: $0.example != nil, updatedAt: $0.updatedAt.description)
            }
            return try output.list(
                rows, limit: nil, json: Report(eventTypes: rows), table: Self.table(types),
                ifEmpty: "No event type is described.")
        }
        let types = try await context.run(Catalogue.published).filter { !$0.isDescribed }
        let rows = types.map {
            Row(eventType: $0.type, events: $0.events, lastPublishedAt: $0.lastAt.description)
        }
        var table = Table([.name("TYPE"), .number("EVENTS"), .identifier("LAST")])
        for type in types { table.add(type.type, "\(type.events)", type.lastAt.description) }
        try output.list(
            rows, limit: nil, json: Report(eventTypes: rows), table: table,
            ifEmpty: "All types of the newest events are described.")
    }

    private static func table(_ types: [EventTypeRecord]) -> Table {
        var table = Table([.name("TYPE"), .text("SCHEMA"), .text("EXAMPLE"), .text("DESCRIPTION")])
        for type in types {
            table.add(
                type.type, type.schema == nil ? "-" : "yes", type.example == nil ? "-" : "yes", type.description ?? "")
        }
        return table
    }
}
