import Formats
package import Outbox
package import Postgres
import Webhooks

/// What an event holds, as far as bodies are made of it.
package struct EventContent: Sendable {
    package var id: String
    package var type: String
    /// When the transaction of the event began; the same on every attempt.
    package var createdAt: PostgresTimestamp
    /// The payload, or the body where there is no payload.
    package var bytes: [UInt8]
    /// Of a body; nil for a payload.
    package var bodyContentType: String?

    package init(id: String, type: String, createdAt: PostgresTimestamp, bytes: [UInt8], bodyContentType: String?) {
        self.id = id
        self.type = type
        self.createdAt = createdAt
        self.bytes = bytes
        self.bodyContentType = bodyContentType
    }

    fileprivate func time() throws(SendingObstacle) -> EventTime {
        guard let microseconds = createdAt.unixMicroseconds else {
            throw SendingObstacle(.invalidEvent, "created_at is no moment in time")
        }
        return EventTime(microseconds: microseconds)
    }
}

/// The one place that decides what the body of a request holds. Workers call it, and so does `dead-letter show`, which
/// shows the request that a worker would send.
extension BodyRecipe {
    package func body(_ event: EventContent) throws(SendingObstacle) -> [UInt8] {
        switch format {
        // Content that is not JSON cannot stand in an envelope: it is sent as it is.
        case .envelope where event.bodyContentType == nil:
            return Envelope.body(type: event.type, time: try event.time(), payload: event.bytes)
        case .envelope, .raw:
            return event.bytes
        case .cloudEventsBinary:
            _ = try event.time()
            return event.bytes
        case .cloudEvents:
            let attributes = CloudEvent(id: event.id, type: event.type, source: source, time: try event.time())
            return attributes.structuredBody(data: event.bytes, contentType: event.bodyContentType.map(Self.mediaType))
        case .slack, .discord, .teams:
            guard let chat = format.chat else { return event.bytes }
            let payload = event.bodyContentType == nil ? JSONText(event.bytes) : nil
            return chat.body(template, type: event.type, payload: payload)
        }
    }

    private static func mediaType(_ text: String) -> String { text.isEmpty ? "application/octet-stream" : text }
}
