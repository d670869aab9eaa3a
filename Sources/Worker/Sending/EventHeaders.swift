import Outbox
import OutboxStore

/// What all requests for one event say about it in their heads. Shared by its deliveries.
final class EventHeaders: Sendable {
    let webhookID: String
    let eventType: String
    let contentType: String
    let traceparent: String?
    let fields: HeaderFields

    init(_ event: StoredEvent) {
        webhookID = event.webhookID
        eventType = event.eventType
        contentType = event.bodyContentType.map { $0.isEmpty ? "application/octet-stream" : $0 } ?? "application/json"
        traceparent = event.traceparent
        // Checked when the event was inserted; what breaks a rule all the same is left out.
        fields =
            (try? HeaderFields(
                stride(from: 0, to: event.headers.count - 1, by: 2).map {
                    try HeaderField(name: event.headers[$0], value: event.headers[$0 + 1])
                })) ?? .none
    }
}
