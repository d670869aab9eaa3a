package import Outbox
package import Postgres
import Webhooks

/// The one place that decides what the body of a request holds. Workers call it, and so does `dead-letter show`, which
/// shows the request that a worker would send.
extension PayloadFormat {
    /// The format that this content is sent in. Content that is not JSON cannot stand in an envelope: it is sent as it is.
    package func applied(toJSON isJSON: Bool) -> PayloadFormat { isJSON ? self : .raw }

    /// - Parameters:
    ///   - type: of the event.
    ///   - createdAt: when the transaction of the event began; the same on every attempt.
    ///   - content: the payload, or the body where there is no payload.
    package func body(type: String, createdAt: PostgresTimestamp, content: [UInt8]) -> [UInt8] {
        switch self {
        case .raw: content
        case .envelope:
            Envelope.body(type: type, time: EventTime(microseconds: createdAt.unixMicroseconds ?? 0), payload: content)
        }
    }
}
