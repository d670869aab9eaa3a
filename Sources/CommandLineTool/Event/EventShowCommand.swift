import ArgumentParser
import FoundationEssentials
import OutboxStore
import Postgres

struct EventShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an event: its deliveries and a timeline of attempts.",
        discussion: """
            Example:
              postrider event show 4711
            """)

    @Argument(help: "The number of the event, or its webhook id, evt_….")
    var id: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let reference = try EventReference(id)
        let (event, deliveries, attempts, prospects, endings) = try await context.withDatabase { connection in
            let event = try await connection.requireEvent(reference)
            return try await connection.withSnapshot { transaction in
                let limit = CommandContext.statementDeadline
                return (
                    event,
                    try await transaction.run(Events.deliveries(event.id, createdAt: event.createdAt), deadline: limit),
                    try await transaction.run(Events.attempts(event.id, createdAt: event.createdAt), deadline: limit),
                    try await transaction.run(Events.prospects(event.id, createdAt: event.createdAt), deadline: limit),
                    try await transaction.run(Events.endings(event.id, createdAt: event.createdAt), deadline: limit)
                )
            }
        }
        guard !output.isJSON else {
            return try output.json(EventReport(event, deliveries, attempts, prospects, endings))
        }
        show(event, on: output)
        showTimeline(event, deliveries, attempts, on: output)
        showNext(deliveries, prospects, endings, on: output)
        output.line("")
        output.fields(event.content.fields)
    }

    private func show(_ event: EventRecord, on output: Output) {
        let headers = event.headerValues.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        output.line("Event \(event.id) (\(event.webhookID)): \(event.eventType)")
        output.fields([
            ("Tenant", event.tenant.isEmpty ? nil : event.tenant), ("For endpoint", event.endpoint),
            ("Ordering key", event.orderingKey), ("Idempotency key", event.idempotencyKey),
            ("Not before", event.deliverAfter?.description), ("Not after", event.expiresAt?.description),
            ("traceparent", event.traceparent), ("Headers", headers.isEmpty ? nil : headers.joined(separator: "; ")),
        ])
    }

    private func showTimeline(
        _ event: EventRecord, _ deliveries: [EventDelivery], _ attempts: [AttemptRecord], on output: Output
    ) {
        let timeline = Timeline(since: event.createdAt, width: output.width)
        let matched = deliveries.compactMap(\.endpoint)
        let age = deliveries.first.map { ", \(Age.text($0.age))" } ?? ""
        output.line("")
        output.line("What happened")
        output.lines(
            timeline.beginning(
                "published \(event.createdAt)\(age); "
                    + (matched.isEmpty ? "it matched nothing" : "it matched \(matched.joined(separator: ", "))")))
        for attempt in attempts { output.lines(timeline.lines(attempt)) }
        if attempts.count == Events.attemptLimit {
            output.remark("There are more attempts; postrider.attempt_log has all of them.")
        }
    }

    private func showNext(
        _ deliveries: [EventDelivery], _ prospects: [DeliveryProspect], _ endings: [DeliveryEnding], on output: Output
    ) {
        output.line("")
        output.line("What is next")
        let known = Dictionary(prospects.map { ($0.endpoint, $0) }, uniquingKeysWith: { first, _ in first })
        for delivery in deliveries {
            let prospect = Prospect(
                delivery, delivery.endpoint.flatMap { known[$0] }, endings.first { $0.endpoint == delivery.endpoint })
            let name = delivery.endpoint.map { "\($0): " } ?? ""
            output.lines(Folded.lines(name + prospect.text, width: output.width, first: "  ", rest: "    "))
            if let remedy = prospect.remedy { output.line("    → \(remedy)") }
        }
    }
}

/// An event with its deliveries and attempts, as JSON.
struct EventReport: Encodable {
    private struct Facts: Encodable {
        let eventId: Int64
        let webhookId: String
        let eventType: String
        let tenant: String
        let endpoint: String?
        let orderingKey: String?
        let idempotencyKey: String?
        let deliverAfter: String?
        let expiresAt: String?
        let traceparent: String?
        let headers: [String: String]
        let createdAt: String
        let deliveries: [EventDeliveryReport]
        let attempts: [AttemptReport]
    }

    private let facts: Facts
    private let content: ContentReport

    init(
        _ event: EventRecord, _ deliveries: [EventDelivery], _ attempts: [AttemptRecord],
        _ prospects: [DeliveryProspect], _ endings: [DeliveryEnding]
    ) {
        facts = Facts(
            eventId: event.id, webhookId: event.webhookID, eventType: event.eventType, tenant: event.tenant,
            endpoint: event.endpoint, orderingKey: event.orderingKey, idempotencyKey: event.idempotencyKey,
            deliverAfter: event.deliverAfter?.description, expiresAt: event.expiresAt?.description,
            traceparent: event.traceparent, headers: event.headerValues, createdAt: event.createdAt.description,
            deliveries: deliveries.map { delivery in
                var report = EventDeliveryReport(delivery)
                let ending = endings.first { $0.endpoint == delivery.endpoint }
                report.next = Prospect(delivery, prospects.first { $0.endpoint == delivery.endpoint }, ending).text
                report.reason = ending?.reason
                report.closedBy = ending?.by
                return report
            }, attempts: attempts.map(AttemptReport.init))
        content = ContentReport(event.content)
    }

    func encode(to encoder: any Encoder) throws {
        try facts.encode(to: encoder)
        try content.encode(to: encoder)
    }
}

extension EventRecord {
    /// The values of the headers by their names.
    var headerValues: [String: String] {
        let words = headers ?? []
        let pairs = stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}

/// The content of an event as JSON. A payload is a string: as a JSON value it could come back changed.
struct ContentReport: Encodable {
    let payload: String?
    let bodyBase64: String?
    let contentType: String?

    init(_ content: EventContent) {
        payload = content.payload.map { String(decoding: $0, as: UTF8.self) }
        bodyBase64 = content.body.map { Data($0).base64EncodedString() }
        contentType = content.contentType
    }
}

extension EventContent {
    /// The most characters that people see.
    private static let shown = 2000

    var fields: [(name: String, value: String?)] {
        [
            ("Payload", payload.map { Self.excerpt($0) }),
            ("Body", body.map { "\($0.count) bytes: \(Self.excerpt($0))" }),
            ("Content type", contentType),
        ]
    }

    private static func excerpt(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(4 * shown), as: UTF8.self)
        return text.count > shown || bytes.count > 4 * shown ? text.prefix(shown) + "…" : text
    }
}
