import OutboxStore
import Postgres

/// An event with all that became of it, as JSON.
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
        _ prospects: [DeliveryProspect]
    ) {
        facts = Facts(
            eventId: event.id, webhookId: event.webhookID, eventType: event.eventType, tenant: event.tenant,
            endpoint: event.endpoint, orderingKey: event.orderingKey, idempotencyKey: event.idempotencyKey,
            deliverAfter: event.deliverAfter?.description, expiresAt: event.expiresAt?.description,
            traceparent: event.traceparent, headers: event.headerValues, createdAt: event.createdAt.description,
            deliveries: deliveries.map { delivery in
                var report = EventDeliveryReport(delivery)
                report.next = Prospect(delivery, prospects.first { $0.endpoint == delivery.endpoint }).text
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
    /// The values of its headers by their names.
    var headerValues: [String: String] {
        let words = headers ?? []
        let pairs = stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
