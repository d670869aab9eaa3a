import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EventListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List events, the newest first, with a row for each endpoint.",
        discussion: """
            --status and --endpoint search the newest \(Events.searchLimit) events, or as many events of --type.

            Example:
              postrider event list --type 'order.*' --status retrying
            """)

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
    var limit = 20

    @Option(help: ArgumentHelp("Only events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(
        help: ArgumentHelp("Only deliveries in this state, such as pending, retrying or dead.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Only deliveries to this endpoint.", valueName: "name"))
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
        let isSearch = status != nil || endpoint != nil
        try output.list(
            deliveries, limit: nil, json: Report(deliveries: deliveries.map(EventDeliveryReport.init)),
            table: .deliveries(deliveries),
            ifEmpty: "There are no such events\(isSearch ? " among the newest \(Events.searchLimit)" : "").")
    }
}

/// The words for the state of a delivery, as the view `event_deliveries` uses them.
enum DeliveryStatus: String, CaseIterable {
    case pending
    case inFlight = "in_flight"
    case retrying, held, blocked, delivered, dead, expired, cancelled, filtered
    case noSubscriber = "no_subscriber"

    static func read(_ word: String) throws(CommandError) -> DeliveryStatus {
        guard let status = DeliveryStatus(rawValue: word) else {
            throw CommandError(
                .badData, "--status must be one of " + allCases.map(\.rawValue).joined(separator: ", "))
        }
        return status
    }
}

/// The delivery of an event to an endpoint, as JSON.
struct EventDeliveryReport: Encodable {
    let eventId: Int64
    let webhookId: String
    let eventType: String?
    let tenant: String?
    /// Absent when the event matched nothing.
    let endpoint: String?
    let status: String
    let attempts: Int32
    let dueAt: String?
    let lastAttemptAt: String?
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let createdAt: String
    let finishedAt: String?
    /// What happens next, in words; only `event show` tells it.
    var next: String?

    init(_ delivery: EventDelivery) {
        eventId = delivery.event
        webhookId = delivery.webhookID
        eventType = delivery.eventType
        tenant = delivery.tenant
        endpoint = delivery.endpoint
        status = delivery.status
        attempts = delivery.attempts
        dueAt = delivery.dueAt?.description
        lastAttemptAt = delivery.lastAttemptAt?.description
        lastHttpStatus = delivery.lastHTTPStatus
        lastErrorCode = delivery.lastErrorCode
        createdAt = delivery.createdAt.description
        finishedAt = delivery.finishedAt?.description
    }
}

extension Table {
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
