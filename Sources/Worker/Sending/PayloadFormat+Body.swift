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
    package func body(
        type: String, createdAt: PostgresTimestamp, content: [UInt8]
    ) throws(SendingObstacle) -> [UInt8] {
        guard self == .envelope else { return content }
        guard let microseconds = createdAt.unixMicroseconds else {
            throw SendingObstacle(.invalidEvent, "created_at is no moment in time")
        }
        return Envelope.body(type: type, time: EventTime(microseconds: microseconds), payload: content)
    }
}
