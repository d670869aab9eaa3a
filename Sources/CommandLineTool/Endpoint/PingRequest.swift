import Courier
import FoundationEssentials
import Outbox
import OutboxStore
import Webhooks
import Worker

/// A signed `postrider.ping` to an endpoint, made by the rules of a worker.
final class PingRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let webhookID: String
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers = false

    private let settings: SendingSettings

    private static let eventType = "postrider.ping"
    /// How long it may wait before it is sent.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - randomBytes: eight bytes, for the webhook id.
    /// - Throws: ``SendingObstacle`` when a worker would not send to this endpoint either.
    init(to endpoint: EndpointRecord, _ judge: EndpointJudge, now: Double, randomBytes: [UInt8]) throws {
        settings = try judge.settings(endpoint)
        route = settings.route
        body = RequestBody(
            Envelope.body(
                type: Self.eventType, time: EventTime(microseconds: Int64(exactly: (now * 1e6).rounded()) ?? 0),
                payload: Array(try JSONEncoder().encode(["endpoint": endpoint.name]))))
        webhookID =
            "evt_test_" + randomBytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        mustStartBefore = .now + Self.patience
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        let head = WebhookHead(contentType: "application/json", id: webhookID, eventType: Self.eventType, attempt: 1)
        try lines.append(head, signedBy: settings.signer, at: unixTime, body)
        for field in settings.headers.fields { lines.append(field.name, field.value) }
    }
}
