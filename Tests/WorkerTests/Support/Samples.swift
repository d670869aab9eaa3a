import Outbox
import Postgres
import Webhooks

@testable import Courier
@testable import OutboxStore
@testable import Worker

/// Made-up values for tests that need some.
enum Samples {
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// When all events here happened.
    static let eventAt = PostgresTimestamp(unixMicroseconds: 1_667_507_170_344_522)

    static func delivery(
        _ id: Int64 = 1, endpoint: Int32 = 1, attempt: Int16 = 1, base: Int16 = 0, bytes: Int32 = 10,
        event: Int64? = nil,
        revision: Int32 = 1
    ) -> ClaimedDelivery {
        ClaimedDelivery(
            worker: Rig.worker, endpoint: endpoint, revision: revision,
            dueAt: PostgresTimestamp(unixMicroseconds: 1_000_000), id: id,
            attempt: attempt, attemptBase: base, event: event ?? id, eventAt: eventAt,
            bytes: bytes, leaseUntil: PostgresTimestamp(unixMicroseconds: 1_700_000_030_000_000))
    }

    static func event(
        _ id: Int64 = 1, content: String = #"{"n":1}"#, bodyType: String? = nil, expiresIn: Duration? = nil
    )
        -> StoredEvent
    {
        StoredEvent(
            id: id, createdAt: eventAt, webhookID: "evt_test_\(id)",
            eventType: "order.paid", content: Array(content.utf8), bodyContentType: bodyType, headers: [],
            traceparent: nil, expiresIn: expiresIn)
    }

    static func record(
        _ id: Int32 = 1, url: String = "https://example.com/hook", secrets: [String] = [secret], headers: [String] = [],
        format: String = "envelope", maxAttempts: Int32 = 3, filter: String? = nil, transform: String? = nil
    ) -> EndpointRecord {
        var record = EndpointRecord(
            id: id, revision: 1, name: "main", tenant: "", urlID: 7, url: url, payloadFormat: format, headers: headers,
            retrySchedule: [.seconds(1), .seconds(2)], maxAttempts: maxAttempts, timeout: .seconds(15), secrets: secrets
        )
        record.filter = filter
        record.transform = transform
        return record
    }

    static let judge = EndpointJudge(policy: EndpointPolicy(), sealing: nil, version: "test")

    static func endpoint(_ record: EndpointRecord = record()) -> Endpoint { judge.endpoint(record) }

    static func cache(_ endpoints: Endpoint...) -> EndpointCache {
        var cache = EndpointCache()
        cache.keep(endpoints, .now)
        return cache
    }
}
