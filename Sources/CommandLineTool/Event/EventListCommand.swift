import ArgumentParser
import Outbox
import OutboxStore

/// `postrider event list`: the newest events and what became of them.
struct EventListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List events, a row for each endpoint, the newest first.",
        discussion: """
            --status and --endpoint look at the newest \(Events.searchLimit) events (of that type).

            Example:
              postrider event list --type 'order.*' --status retrying
            """)

    @Option(help: ArgumentHelp("The most rows.", valueName: "n"))
    var limit = 20

    @Option(help: ArgumentHelp("Events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(help: ArgumentHelp("Deliveries in this state, such as pending, retrying or dead.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Deliveries to this endpoint.", valueName: "name"))
    var endpoint: String?

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let deliveries: [EventDeliveryReport]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        var selection = Events.Selection()
        selection.status = try status.map { try DeliveryStatus.read($0).rawValue }
        selection.endpoint = endpoint
        switch try type.map({ try EventTypePattern($0) }) {
        case .exactly(let type): selection.eventType = type.text
        case .below(let parent): selection.typePrefix = parent.text + "."
        case .all, nil: break
        }
        let deliveries = try await context.withDatabase { [selection] connection in
            if let endpoint { try await connection.requireEndpoint(endpoint, includingRemoved: true) }
            return try await connection.rows(Events.list(selection, limit: limit))
        }
        guard !output.isJSON else {
            return try output.json(Report(deliveries: deliveries.map(EventDeliveryReport.init)))
        }
        guard !deliveries.isEmpty else {
            let isFiltered = status != nil || endpoint != nil
            return output.remark(
                "There are no such events\(isFiltered ? " among the newest \(Events.searchLimit)" : "").")
        }
        output.table(.deliveries(deliveries))
    }
}

extension Table {
    /// What became of events at a glance.
    static func deliveries(_ deliveries: [EventDelivery]) -> Table {
        var table = Table([
            .identifier("EVENT"), .text("TYPE"), .name("ENDPOINT"), .state("STATUS"), .number("TRIES"),
            .number("HTTP"), .text("ERROR"), .identifier("CREATED"),
        ])
        for delivery in deliveries {
            table.add(
                "\(delivery.event)", delivery.eventType ?? "-", delivery.endpoint ?? "-", delivery.status,
                "\(delivery.attempts)", delivery.lastHTTPStatus.map { "\($0)" } ?? "-", delivery.lastErrorCode ?? "-",
                Age.text(delivery.age))
        }
        return table
    }
}
