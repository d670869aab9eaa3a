import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EventListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List events, the newest first, with a row for each endpoint.",
        discussion: """
            What is in a state of its own (pending, retrying, blocked, dead, …) or failed with a code is found at once, however \
            old it is; so is an event by its id, its idempotency key or its time. Everything else is looked for from the newest \
            event back, and a line on the terminal says how far. A time is a moment such as 2024-11-20T12:00:00Z, or a \
            length of time before now such as 2h.

            Example:
              postrider event list --type 'order.*' --status retrying
              postrider event list --since 2h --payload customer.id=42
            """)

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
    var limit = 20

    @Option(
        help: ArgumentHelp("Only deliveries in this state, such as pending, retrying or dead.", valueName: "status"),
        completion: .list(DeliveryStatus.allCases.map(\.rawValue)))
    var status: String?

    @Option(help: ArgumentHelp("Only events before this one, a number or evt_…: the next page.", valueName: "event"))
    var before: String?

    @OptionGroup var find: FindOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let deliveries: [EventDeliveryReport]
        /// What `--before` takes for the next page.
        let next: String?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let fixed = try selection()
        let progress = Progress("waiting for the database")
        let page = try await context.withDatabase(progress: progress) { connection in
            var selection = fixed
            if let endpoint = find.endpoint {
                try await connection.requireEndpoint(
                    EndpointReference(endpoint, tenant: selection.tenant), includingRemoved: true)
            }
            selection.ids = try await find.eventIDs(connection)
            if find.since != nil || find.until != nil {
                let now = try await connection.readClock()
                selection.since = find.since?.ago(from: now)
                selection.until = find.until?.ago(from: now)
            }
            var place = EventPlace.newest
            if let before {
                let event = try await connection.requireEvent(try EventReference(before))
                place = EventPlace(at: event.createdAt, id: event.id)
            }
            return try await EventSearch(connection: connection, progress: progress)
                .page(selection, before: place, limit: limit)
        }
        try output.list(
            page.deliveries, limit: nil,
            json: Report(deliveries: page.deliveries.map(EventDeliveryReport.init), next: page.last),
            table: .deliveries(page.deliveries), ifEmpty: "There are no such events.")
        output.more(before: page.hasMore ? page.deliveries.last?.event : nil)
    }

    private func selection() throws -> Events.Selection {
        var selection = Events.Selection()
        selection.tenant = try find.tenant.map { try Tenant.check($0) }
        selection.type = try find.type.map { "\(try EventTypePattern($0))" }
        selection.endpoint = find.endpoint
        selection.status = try status.map { try DeliveryStatus.read($0).rawValue }
        selection.errorCode = try find.checkedErrorCode()
        selection.httpStatus = try find.checkedHTTPStatus()
        selection.orderingKey = find.orderingKey
        selection.payload = try find.payloadValue()
        return selection
    }
}

/// The words for the state of a delivery, as the view `event_deliveries` uses them.
enum DeliveryStatus: String, CaseIterable {
    case pending
    case inFlight = "in_flight"
    case retrying, held, blocked, delivered, dead, expired, cancelled, filtered, superseded
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
    /// Why it ended without being delivered; only `event show` tells it.
    var reason: String?
    /// The login that closed it.
    var closedBy: String?

    init(_ delivery: EventDelivery) {
        eventId = delivery.event
        webhookId = delivery.webhookID
        eventType = delivery.eventType
        tenant = delivery.tenant
        endpoint = delivery.endpoint
        status = delivery.status
        attempts = delivery.attempts
        // While it waits for another event there is no time.
        dueAt = delivery.dueAt.flatMap { $0 == .infinity ? nil : $0.description }
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
