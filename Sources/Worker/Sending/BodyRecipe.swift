package import Outbox
package import Postgres
package import Webhooks

/// What the body of a request to an endpoint is made by, and the attributes that may stand in its head.
package struct BodyRecipe: Hashable, Sendable {
    package let format: PayloadFormat
    /// What the chat formats say; nil says the type of the event.
    package let template: TextTemplate?
    /// The source that CloudEvents name.
    package let source: String

    package init(_ format: PayloadFormat, template: TextTemplate? = nil, tenant: String = "") {
        self.format = format
        self.template = template
        source = format.isCloudEvent ? CloudEvent.source(ofTenant: tenant) : ""
    }

    /// The media type of the body, where it is not that of the content.
    package var contentType: String? {
        switch format {
        case .envelope, .raw, .cloudEventsBinary: nil
        case .cloudEvents: CloudEvent.structuredContentType
        case .slack, .discord, .teams: "application/json"
        }
    }

    /// The attributes that go into the head.
    package func cloudEvent(id: String, type: String, createdAt: PostgresTimestamp) -> CloudEvent? {
        guard format == .cloudEventsBinary else { return nil }
        return CloudEvent(
            id: id, type: type, source: source, time: EventTime(microseconds: createdAt.unixMicroseconds ?? 0))
    }
}

extension PayloadFormat {
    fileprivate var isCloudEvent: Bool { self == .cloudEvents || self == .cloudEventsBinary }
}
