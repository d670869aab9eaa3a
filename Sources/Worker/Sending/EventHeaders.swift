import Outbox
import OutboxStore
import Postgres
import Webhooks

/// What all requests for one event say about it in their heads. Shared by its deliveries.
final class EventHeaders: Sendable {
    /// Without the number of an attempt.
    let head: WebhookHead
    let fields: HeaderFields
    let createdAt: PostgresTimestamp
    /// Whether requests carry the place of the delivery within its ordering key.
    let isOrdered: Bool

    /// - Throws: when a column breaks a rule. The insert has checked them, but the row may have come another way; and a
    ///   request without one of its headers would not be what the producer asked for.
    init(_ event: StoredEvent) throws(SendingObstacle) {
        head = WebhookHead(
            contentType: try Self.contentType(event), id: event.webhookID,
            eventType: try Self.checked(event.eventType, "event_type"), attempt: 0,
            traceparent: try event.traceparent.map { text throws(SendingObstacle) in
                try Self.checked(text, "traceparent")
            })
        fields = try Self.fields(event.headers)
        createdAt = event.createdAt
        isOrdered = event.isOrdered
    }

    private static func contentType(_ event: StoredEvent) throws(SendingObstacle) -> String {
        guard let text = event.bodyContentType else { return "application/json" }
        return text.isEmpty ? "application/octet-stream" : try checked(text, "content_type")
    }

    /// A header value as the courier takes it.
    private static func checked(_ text: String, _ column: String) throws(SendingObstacle) -> String {
        guard text.utf8.count <= Limits.headerFieldBytes, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw SendingObstacle(.invalidEvent, "\(column) cannot stand in a header")
        }
        return text
    }

    /// - Parameter texts: name and value in turn.
    private static func fields(_ texts: [String]) throws(SendingObstacle) -> HeaderFields {
        guard !texts.isEmpty else { return .none }
        do throws(HeaderFieldError) {
            var fields: [HeaderField] = []
            for place in stride(from: 0, to: texts.count - 1, by: 2) {
                fields.append(try HeaderField(name: texts[place], value: texts[place + 1]))
            }
            return try HeaderFields(fields)
        } catch {
            throw SendingObstacle(.invalidHeaders, "headers of the event: \(error)")
        }
    }
}
